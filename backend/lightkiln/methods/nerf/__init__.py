# SPDX-License-Identifier: GPL-3.0-or-later
"""NeRF: a radiance field as two networks, coarse and fine (arXiv:2003.08934), the reference.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    steps: int = param(20_000, "Steps of learning.", min=1, max=1_000_000)
    time_budget: float = param(
        7200.0, "Learning is cut to end within this.", min=1.0, max=10_000_000.0, unit="s"
    )
    resolution: int = param(
        192, "Steps of the mesh along the region's longest side.", min=16, max=512
    )
    faces: int = param(300_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(800, "Larger images are shrunk to this.", min=16, max=4000, unit="px")
    batch: int = param(1024, "Pixels that a step looks at.", min=16, max=65_536)
    threshold: float = param(
        25.0, "Density at which the mesh is drawn.", min=0.1, max=1000.0, advanced=True
    )
    width: int = param(128, "Width of the networks.", min=16, max=1024, advanced=True)
    depth: int = param(6, "Their layers.", min=1, max=16, advanced=True)
    skip: int = param(
        3, "The layer at which the place joins again; 0: none.", min=0, max=16, advanced=True
    )
    octaves: int = param(10, "Octaves of waves that a place becomes.", min=0, max=16, advanced=True)
    view_octaves: int = param(4, "The same of directions.", min=0, max=16, advanced=True)
    coarse: int = param(64, "Samples of a ray at first.", min=4, max=1024, advanced=True)
    fine: int = param(
        64, "Samples where the first found something.", min=4, max=1024, advanced=True
    )
    rate: float = param(5e-4, "Length of a first step.", min=1e-6, max=0.1, advanced=True)
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="nerf",
    title="NeRF",
    summary="Learns how the scene looks from anywhere, slowly: the method that began it.",
    params=Params,
    entry="lightkiln.methods.nerf.train:reconstruct",
    renders_frames=True,
    memory_mb=4000,
    halvings=(("batch",), ("batch", "resolution"), ("batch", "resolution", "max_side")),
    presets={
        "draft": {
            "steps": 1500,
            "time_budget": 90.0,
            "resolution": 96,
            "faces": 50_000,
            "max_side": 200,
            "batch": 384,
            "width": 64,
            "depth": 4,
            "skip": 2,
            "octaves": 7,
            "view_octaves": 2,
            "coarse": 32,
            "fine": 32,
            "rate": 2e-3,
        },
        # The paper's, section 5.3.
        "high": {
            "steps": 200_000,
            "time_budget": 1_000_000.0,
            "resolution": 384,
            "faces": 1_000_000,
            "batch": 4096,
            "width": 256,
            "depth": 8,
            "skip": 5,
            "fine": 128,
        },
    },
)
