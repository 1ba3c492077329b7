# SPDX-License-Identifier: GPL-3.0-or-later
"""PIFu: one photograph to a closed, coloured shape, from pixel-aligned features (arXiv:1905.05172).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param


@dataclass(frozen=True, kw_only=True)
class Params:
    weights: str = param(
        "", "A file that `lightkiln train` left; empty: the built-in one.", unit="path"
    )
    threshold: float = param(
        0.0,
        "Chance above which a place is inside; 0: what was best when it was taught.",
        min=0.0,
        max=0.99,
    )
    resolution: int = param(128, "Cells along a side of the cube.", min=32, max=512)
    faces: int = param(50_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)


SPEC = MethodSpec(
    name="pifu",
    title="PIFu",
    summary=(
        "Guesses a whole coloured shape that follows the outline of one photograph; its depth is "
        "still rough, and Occupancy Network is the safer choice. It knows "
        "chairs, sofas, tables, lamps, mugs, bottles, planes, cars and boats of simple bodies, "
        "and nothing else. Seconds."
    ),
    params=Params,
    entry="lightkiln.methods.pifu.infer:reconstruct",
    needs=(Need.ONE_IMAGE,),
    memory_mb=1500,
    presets={"draft": {"resolution": 64, "faces": 10_000}, "high": {"resolution": 256}},
)
