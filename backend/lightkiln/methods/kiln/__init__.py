# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiln, the default: stereo finds the surface, the photographs themselves refine it.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    resolution: int = param(
        256, "Voxels along the object's longest side.", min=32, max=640, unit="voxels"
    )
    faces: int = param(300_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(1000, "Larger images are shrunk to this.", min=64, max=4000, unit="px")
    passes: float = param(
        3.0, "How often each pixel of the object is looked at.", min=0.01, max=100.0
    )
    time_budget: float = param(
        240.0, "Refinement is cut to end within this.", min=1.0, max=100_000.0, unit="s"
    )
    stereo_side: int = param(
        480, "Images are shrunk to this for stereo.", min=64, max=4000, unit="px", advanced=True
    )
    levels: int = param(2, "Resolutions, each twice the one before.", min=1, max=4, advanced=True)
    rays: int = param(16_384, "Pixels that a step compares.", min=64, max=1_000_000, advanced=True)
    eikonal: float = param(
        0.1, "Weight of the distance being a true distance.", min=0.0, max=10.0, advanced=True
    )
    curvature: float = param(
        0.05, "Weight of smoothness, at first.", min=0.0, max=10.0, advanced=True
    )
    anchor: float = param(
        0.2, "Weight of what stereo is sure of, at first.", min=0.0, max=10.0, advanced=True
    )
    opacity: float = param(
        0.1, "Weight of the masks, beside their colours.", min=0.0, max=10.0, advanced=True
    )
    patches: float = param(
        0.0,
        "Weight of small patches looking alike; after stereo it has shown no gain.",
        min=0.0,
        max=10.0,
        advanced=True,
    )
    points: float = param(
        0.2,
        "Weight of recognised points, where stereo is not sure, at first.",
        min=0.0,
        max=10.0,
        advanced=True,
    )
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


def memory_of(params: Params) -> float:
    """Megabytes: measured at 160 and 256 voxels on the rendered scenes, the largest of them."""
    return 650.0 + 0.031 * params.resolution**2


SPEC = MethodSpec(
    name="kiln",
    title="Kiln",
    summary="Stereo finds the surface, then it is refined until it looks like the photographs.",
    params=Params,
    entry="lightkiln.methods.kiln.train:reconstruct",
    # On a machine with a GPU it runs too, on the processor: its kernels are numba's.
    devices=("cpu", "cuda"),
    memory_mb=3000,
    memory_of=memory_of,
    halvings=(("rays", "max_side"), ("rays", "max_side", "stereo_side", "resolution")),
    presets={
        "draft": {
            "resolution": 160,
            "faces": 150_000,
            "max_side": 640,
            "stereo_side": 400,
            "levels": 1,
            "passes": 1.25,
            "time_budget": 28.0,
        },
        "high": {
            "resolution": 384,
            "faces": 1_000_000,
            "max_side": 2000,
            "stereo_side": 1000,
            "passes": 6.0,
            "time_budget": 1800.0,
        },
    },
)
