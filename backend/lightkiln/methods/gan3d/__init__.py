# SPDX-License-Identifier: GPL-3.0-or-later
"""3D-GAN: a new thing of a family for every seed (Wu et al. 2016).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param

ANY = "any"
FAMILIES = ("chair", "sofa", "table", "lamp", "mug", "bottle", "plane", "car", "boat")
"""In the order of the weights."""


@dataclass(frozen=True, kw_only=True)
class Params:
    family: str = param(ANY, "What it shall be.", choices=(ANY, *FAMILIES))
    spread: float = param(
        0.8, "Below 1 things are more usual and cleaner; above, odder.", min=0.1, max=1.5
    )
    faces: int = param(20_000, "Most triangles of the mesh.", min=500, max=200_000)
    threshold: float = param(
        0.35,
        "Probability at which a place is solid: lower is thicker.",
        min=0.05,
        max=0.95,
        advanced=True,
    )
    weights: str = param(
        "", "A file that `lightkiln train gan3d` left; empty: built in.", unit="path", advanced=True
    )


SPEC = MethodSpec(
    name="gan3d",
    title="3D-GAN",
    summary="Invents a coarse thing for every seed: chairs, sofas, tables, lamps, mugs, bottles, "
    "planes, cars and boats as simple as those of the procedural world it was taught. Seconds.",
    params=Params,
    entry="lightkiln.methods.gan3d.infer:generate",
    needs=(),
    memory_mb=800,
)
