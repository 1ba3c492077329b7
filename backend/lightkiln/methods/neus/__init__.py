# SPDX-License-Identifier: GPL-3.0-or-later
"""NeuS: a signed distance and its colours as two networks (arXiv:2106.10689), the reference.

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
        256, "Steps of the mesh along the region's longest side.", min=16, max=2048
    )
    faces: int = param(300_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(1000, "Larger images are shrunk to this.", min=16, max=4000, unit="px")
    batch: int = param(512, "Pixels that a step looks at.", min=16, max=65_536)
    start: str = param(
        "hull",
        "What the surface is at first: the masks' hull where there are masks, or a ball.",
        choices=("hull", "ball"),
    )
    width: int = param(128, "Width of the distance's network.", min=64, max=1024, advanced=True)
    depth: int = param(4, "Its hidden layers.", min=1, max=16, advanced=True)
    octaves: int = param(6, "Octaves of waves that a place becomes.", min=0, max=8, advanced=True)
    color_width: int = param(128, "Width of the colour's network.", min=16, max=1024, advanced=True)
    color_depth: int = param(2, "Its hidden layers.", min=1, max=16, advanced=True)
    world_width: int = param(
        128,
        "Width of the background's network, where no masks tell.",
        min=16,
        max=1024,
        advanced=True,
    )
    samples: int = param(32, "Samples of a ray at equal distances.", min=4, max=1024, advanced=True)
    rounds: int = param(4, "Rounds of finer sampling.", min=0, max=8, advanced=True)
    more: int = param(8, "Samples that each round adds.", min=1, max=256, advanced=True)
    rate: float = param(1e-3, "Rate of learning.", min=1e-6, max=0.1, advanced=True)
    sharpest: float = param(
        0.0,
        "Sharpness at the end, in 1 / the region's radius; 0: it is learned.",
        min=0.0,
        max=10_000.0,
        advanced=True,
    )
    anneal: float = param(
        1 / 6,
        "Part of the steps in which surfaces that face away count; with masks none.",
        min=0.0,
        max=1.0,
        advanced=True,
    )
    eikonal: float = param(
        0.1, "Weight of the distance being a true distance.", min=0.0, max=10.0, advanced=True
    )
    mask: float = param(
        0.1, "Weight of the masks, beside their colours.", min=0.0, max=10.0, advanced=True
    )
    points: float = param(
        1.0, "Weight of points that photographs agree on.", min=0.0, max=10.0, advanced=True
    )
    devices: int = param(
        1,
        "GPUs of one machine that learn together; without GPUs, processes.",
        min=1,
        max=64,
        advanced=True,
    )
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="neus",
    title="NeuS",
    summary="A network learns distance and colour by volume rendering. The reference, and slow.",
    params=Params,
    entry="lightkiln.methods.neus.train:reconstruct",
    memory_mb=2000,
    halvings=(("batch",), ("batch", "resolution"), ("batch", "resolution", "max_side")),
    presets={
        "draft": {
            "steps": 1500,
            "time_budget": 130.0,
            "resolution": 128,
            "faces": 100_000,
            "max_side": 300,
            "batch": 192,
            "width": 64,
            "depth": 3,
            "color_width": 64,
            "world_width": 64,
            "samples": 16,
            "rounds": 2,
            "more": 8,
            "rate": 2e-3,
            "sharpest": 250.0,
        },
        "high": {
            "steps": 300_000,
            "time_budget": 1_000_000.0,
            "resolution": 512,
            "faces": 1_000_000,
            "max_side": 1600,
            "start": "ball",
            "width": 256,
            "depth": 8,
            "color_width": 256,
            "color_depth": 4,
            "world_width": 256,
            "samples": 64,
            "more": 16,
            "rate": 5e-4,
            "points": 0.0,
        },
    },
)
