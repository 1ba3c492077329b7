# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set of a method that invents a thing for every seed.

It must not import anything heavy: it is read to list the methods.
"""

from dataclasses import dataclass

from lightkiln.api import param

ANY = "any"
FAMILIES = ("chair", "sofa", "table", "lamp", "mug", "bottle", "plane", "car", "boat")
"""Of the built-in weights."""


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Of whatever network draws voxels."""

    spread: float = param(
        0.8, "Below 1 things are more usual and cleaner; above, odder.", min=0.1, max=1.5
    )
    smooth: float = param(
        0.6,
        "Voxels over which stairs are smoothed; more takes thin parts away.",
        min=0.0,
        max=2.0,
        advanced=True,
    )
    faces: int = param(20_000, "Most triangles of the mesh.", min=500, max=200_000)
    threshold: float = param(
        0.35,
        "Probability at which a place is solid: lower is thicker.",
        min=0.05,
        max=0.95,
        advanced=True,
    )


@dataclass(frozen=True, kw_only=True)
class Params(Draws):
    family: str = param(ANY, "What it shall be.", choices=(ANY, *FAMILIES))
    weights: str = param(
        "", "A file that `lightkiln train` left; empty: built in.", unit="path", advanced=True
    )
