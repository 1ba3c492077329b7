# SPDX-License-Identifier: GPL-3.0-or-later
"""Neuralangelo: a hash grid with numerical gradients, coarse to fine (Li et al. 2023).

Two terms beside the paper's: masks, and points of the surface that photographs agree on.
It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    steps: int = param(20_000, "Steps of learning.", min=1, max=10_000_000)
    time_budget: float = param(
        3600.0, "Learning is cut to end within this.", min=1.0, max=10_000_000.0, unit="s"
    )
    resolution: int = param(
        512, "Steps of the mesh along the region's longest side.", min=16, max=4096
    )
    faces: int = param(500_000, "Triangles of the mesh, at most.", min=100, max=20_000_000)
    max_side: int = param(1200, "Larger images are shrunk to this.", min=16, max=8000, unit="px")
    batch: int = param(1024, "Pixels that a step looks at, on each device.", min=16, max=65_536)
    start: str = param(
        "hull",
        "What the surface is at first: the masks' hull where there are masks, or a ball.",
        choices=("hull", "ball"),
    )
    levels: int = param(16, "Levels of the hash grid.", min=1, max=16, advanced=True)
    coarsest: int = param(
        32, "Cells of the coarsest level along the region's ball.", min=2, max=512, advanced=True
    )
    finest: int = param(2048, "Cells of the finest level.", min=2, max=8192, advanced=True)
    log2_size: int = param(
        18, "A level has 2 to the power of this many rows, at most.", min=8, max=24, advanced=True
    )
    features: int = param(2, "Numbers of a row.", min=1, max=8, advanced=True)
    width: int = param(64, "Width of the distance's network.", min=16, max=1024, advanced=True)
    color_width: int = param(64, "Width of the colour's network.", min=16, max=1024, advanced=True)
    color_depth: int = param(3, "Its hidden layers.", min=1, max=16, advanced=True)
    world_width: int = param(
        128,
        "Width of the background's network, where no masks tell.",
        min=16,
        max=1024,
        advanced=True,
    )
    code: int = param(
        8,
        "Numbers that tell the light of one photograph from another's.",
        min=0,
        max=64,
        advanced=True,
    )
    samples: int = param(32, "Samples of a ray at equal distances.", min=4, max=1024, advanced=True)
    rounds: int = param(4, "Rounds of finer sampling.", min=0, max=8, advanced=True)
    more: int = param(8, "Samples that each round adds.", min=1, max=256, advanced=True)
    gradient: str = param(
        "4 taps",
        "How normals are found: from so many places around, or from the network itself.",
        choices=("4 taps", "6 taps", "own"),
        advanced=True,
    )
    step: float = param(
        0.5,
        "Distance of the taps, in cells of the newest level.",
        min=0.01,
        max=4.0,
        unit="cells",
        advanced=True,
    )
    first_levels: int = param(4, "Levels that count from the start.", min=1, max=16, advanced=True)
    level_share: float = param(
        0.01,
        "Part of the steps after which one more level counts.",
        min=1e-4,
        max=0.2,
        advanced=True,
    )
    rate: float = param(2e-3, "Rate of learning.", min=1e-6, max=0.1, advanced=True)
    decay: float = param(1e-2, "Decay of weights.", min=0.0, max=1.0, advanced=True)
    sharpest: float = param(
        0.0,
        "Sharpness at the end, in 1 / the region's radius; 0: it is learned.",
        min=0.0,
        max=10_000.0,
        advanced=True,
    )
    anneal: float = param(
        0.1,
        "Part of the steps in which surfaces that face away count; with masks none.",
        min=0.0,
        max=1.0,
        advanced=True,
    )
    eikonal: float = param(
        0.1, "Weight of the distance being a true distance.", min=0.0, max=10.0, advanced=True
    )
    curvature: float = param(
        5e-4, "Weight of smoothness, at its largest.", min=0.0, max=1.0, advanced=True
    )
    mask: float = param(
        0.1, "Weight of the masks, beside their colours.", min=0.0, max=10.0, advanced=True
    )
    points: float = param(
        1.0, "Weight of points that photographs agree on.", min=0.0, max=10.0, advanced=True
    )
    devices: int = param(
        1, "GPUs of one machine that learn together, or processes.", min=1, max=64, advanced=True
    )
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="neuralangelo",
    title="Neuralangelo",
    summary="A hash grid learns fine detail by volume rendering. Meant for a GPU.",
    params=Params,
    entry="lightkiln.methods.neuralangelo.train:reconstruct",
    memory_mb=4000,
    halvings=(("batch",), ("batch", "resolution"), ("batch", "resolution", "max_side")),
    presets={
        "draft": {
            "steps": 2000,
            "time_budget": 130.0,
            "resolution": 160,
            "faces": 150_000,
            "max_side": 400,
            "batch": 192,
            "levels": 8,
            "coarsest": 16,
            "finest": 256,
            "log2_size": 15,
            "color_depth": 2,
            "color_width": 64,
            "world_width": 64,
            "code": 0,
            "samples": 16,
            "rounds": 2,
            "level_share": 0.05,
            "rate": 2e-3,
            "decay": 0.0,
            "sharpest": 300.0,
            "curvature": 5e-3,
        },
        "high": {
            "steps": 500_000,
            "time_budget": 10_000_000.0,
            "resolution": 2048,
            "faces": 5_000_000,
            "max_side": 4000,
            "batch": 512,
            "start": "ball",
            "log2_size": 22,
            "features": 8,
            "width": 256,
            "color_width": 256,
            "color_depth": 4,
            "world_width": 256,
            "samples": 64,
            "more": 16,
            "rate": 1e-3,
            "points": 0.1,
        },
    },
)
