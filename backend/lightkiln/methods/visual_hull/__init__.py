# SPDX-License-Identifier: GPL-3.0-or-later
"""Visual hull: the largest solid whose silhouettes fill the masks (doi:10.1109/34.273735).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    resolution: int = param(
        192, "Voxels along the object's longest side.", min=16, max=512, unit="voxels"
    )
    faces: int = param(200_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(
        800, "Larger images are shrunk to this.", min=64, max=8000, unit="px", advanced=True
    )
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="visual-hull",
    title="Visual Hull",
    summary="Carves a solid out of the masks. Seconds; no hollows.",
    params=Params,
    entry="lightkiln.methods.visual_hull.carve:reconstruct",
    wants_masks=True,
    devices=("cpu",),
    memory_mb=800,
    halvings=(("resolution",), ("resolution",)),
    presets={
        "draft": {"resolution": 128, "faces": 100_000},
        "high": {"resolution": 320, "faces": 1_000_000},
    },
)
