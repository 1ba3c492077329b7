# SPDX-License-Identifier: GPL-3.0-or-later
"""Instant-ngp: a radiance field on a hash grid with empty space left out (arXiv:2201.05989).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, param


@dataclass(frozen=True, kw_only=True)
class Params:
    steps: int = param(6000, "Steps of learning.", min=1, max=1_000_000)
    time_budget: float = param(
        900.0, "Learning is cut to end within this.", min=1.0, max=10_000_000.0, unit="s"
    )
    resolution: int = param(
        256, "Steps of the mesh along the region's longest side.", min=16, max=512
    )
    faces: int = param(300_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    max_side: int = param(800, "Larger images are shrunk to this.", min=16, max=4000, unit="px")
    batch: int = param(4096, "Pixels that a step looks at.", min=16, max=1_000_000)
    samples: int = param(
        512, "Samples across the whole scene, empty parts included.", min=16, max=4096
    )
    threshold: float = param(
        25.0, "Density at which the mesh is drawn.", min=0.1, max=1000.0, advanced=True
    )
    num_levels: int = param(12, "Levels of the hash grid.", min=1, max=24, advanced=True)
    coarsest: int = param(
        16, "Cells of its coarsest level along a side.", min=2, max=256, advanced=True
    )
    finest: int = param(1024, "Cells of its finest level.", min=16, max=8192, advanced=True)
    log2_size: int = param(
        18, "Rows of a level at most, as a power of two.", min=8, max=24, advanced=True
    )
    num_features: int = param(2, "Numbers in a row.", min=1, max=8, advanced=True)
    width: int = param(64, "Width of the networks.", min=16, max=256, advanced=True)
    cells: int = param(
        96, "Cells along a side that tell what is empty.", min=16, max=256, advanced=True
    )
    world_samples: int = param(
        24, "Samples behind the scene, where no masks tell.", min=4, max=256, advanced=True
    )
    rate: float = param(0.01, "Length of a first step.", min=1e-5, max=0.1, advanced=True)
    refine_cameras: bool = param(
        True, "Cameras that do not fit the photographs are adjusted first.", advanced=True
    )


SPEC = MethodSpec(
    name="instant-ngp",
    title="Instant NGP",
    summary="Learns how the scene looks from anywhere, in minutes; the mesh is a by-product.",
    params=Params,
    entry="lightkiln.methods.instant_ngp.train:reconstruct",
    renders_frames=True,
    memory_mb=3000,
    halvings=(("batch",), ("batch", "resolution"), ("batch", "resolution", "max_side")),
    presets={
        "draft": {
            "steps": 1000,
            "time_budget": 80.0,
            "resolution": 128,
            "faces": 100_000,
            "max_side": 400,
            "batch": 2048,
            "samples": 256,
            "num_levels": 8,
            "finest": 512,
            "log2_size": 16,
            "cells": 64,
            "world_samples": 16,
        },
        "high": {
            "steps": 20_000,
            "time_budget": 7200.0,
            "resolution": 384,
            "faces": 1_000_000,
            "max_side": 1600,
            "batch": 8192,
            "samples": 1024,
            "num_levels": 16,
            "finest": 2048,
            "log2_size": 19,
            "cells": 128,
            "world_samples": 48,
        },
    },
)
