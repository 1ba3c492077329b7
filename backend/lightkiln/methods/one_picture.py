# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set of a method that looks at one photograph.

It must not import anything heavy: it is read to list the methods.
"""

from dataclasses import dataclass

from lightkiln.api import param


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Of whatever network looks at photographs."""

    weights: str = param(
        "", "A file that `lightkiln train` left; empty: the built-in one.", unit="path"
    )
    threshold: float = param(
        0.0,
        "Chance above which a place is inside; 0: what was best when it was taught.",
        min=0.0,
        max=0.99,
    )


@dataclass(frozen=True, kw_only=True)
class Params(Looks):
    resolution: int = param(128, "Cells along a side of the cube.", min=32, max=512)
    faces: int = param(50_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)


PRESETS = {"draft": {"resolution": 64, "faces": 10_000}, "high": {"resolution": 256}}
