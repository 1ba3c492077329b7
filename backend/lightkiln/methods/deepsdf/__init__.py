# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepSDF: the known shape that fits a cloud of points, whole or in part.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param


@dataclass(frozen=True, kw_only=True)
class Params:
    weights: str = param(
        "", "A file that `lightkiln train` left; empty: the built-in one.", unit="path"
    )
    steps: int = param(200, "Steps of the search for the shape.", min=1, max=100_000)
    resolution: int = param(128, "Cells along the longest side.", min=24, max=512)
    faces: int = param(100_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    part: bool = param(
        False,
        "The points show only a part of the thing; the whole, as long as the region, is completed.",
    )


SPEC = MethodSpec(
    name="deepsdf",
    title="DeepSDF",
    summary="Fits the nearest shape it has learned to points, and closes it. It knows "
    "chairs, sofas, tables, lamps, mugs, bottles, planes, cars and boats of simple bodies that "
    "stand upright, front towards -Y. Seconds.",
    params=Params,
    entry="lightkiln.methods.deepsdf.infer:reconstruct",
    needs=(Need.POINTS,),
    memory_mb=1200,
    presets={
        "draft": {"steps": 80, "resolution": 64, "faces": 20_000},
        "high": {"steps": 600, "resolution": 256, "faces": 500_000},
    },
)
