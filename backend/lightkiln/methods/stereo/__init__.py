# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-view stereo: depth maps that agree, fused into one closed surface.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    resolution: int = param(
        256, "Voxels along the object's longest side.", min=32, max=640, unit="voxels"
    )
    faces: int = param(200_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(
        480, "Images are shrunk to this for matching.", min=64, max=4000, unit="px"
    )
    num_planes: int = param(
        72, "Depths that are tried at each pixel, at first.", min=16, max=512, advanced=True
    )
    num_sources: int = param(
        4, "Neighbouring views that each view is compared with.", min=2, max=12, advanced=True
    )
    rounds: int = param(2, "Times that depths spread and are varied.", min=0, max=8, advanced=True)
    least_views: int = param(
        2, "Views that must confirm a depth.", min=1, max=8, unit="views", advanced=True
    )
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="stereo",
    title="Stereo",
    summary="Finds depths by comparing neighbouring views and fuses them. A minute or two.",
    params=Params,
    entry="lightkiln.methods.stereo.reconstruct:reconstruct",
    memory_mb=1500,
    halvings=(("max_side",), ("max_side", "resolution")),
    presets={
        "draft": {"resolution": 192, "max_side": 400, "faces": 150_000},
        "high": {"resolution": 384, "max_side": 1000, "rounds": 3, "faces": 1_000_000},
    },
)
