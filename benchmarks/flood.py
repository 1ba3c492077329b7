# SPDX-License-Identifier: GPL-3.0-or-later
"""A method that only shows things, as fast and as large as it may, to measure who takes them.

Pictures of 1280 x 720 whatever is asked for, coarse meshes of the size that `Run.preview_mesh`
allows, and a result of any size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from lightkiln.api import Camera, Inputs, MethodSpec, RenderedImage, Run, TriangleMesh, param, rng
from lightkiln_shared.camera import scaled

WIDTH, HEIGHT = 1280, 720
GRID = 158
"""Vertices along an edge of the coarse mesh: 49,298 triangles."""
STEP_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Params:
    seconds: float = param(20.0, "How long it goes on.", min=0.1, max=600.0, unit="s")
    faces: int = param(50_000, "Triangles of the result, about.", min=2, max=10_000_000)


SPEC = MethodSpec(
    name="flood",
    title="Flood",
    summary="Shows noise.",
    params=Params,
    entry="benchmarks.flood:reconstruct",
)


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """A wavy sheet of vertices' colours, after some time."""
    noise = rng(run).integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    coarse = sheet(GRID)

    def render(camera: Camera) -> RenderedImage:
        return RenderedImage(pixels=noise, camera=scaled(camera, WIDTH, HEIGHT))

    run.preview(render)
    run.preview_mesh(lambda: coarse)
    with run.phase("showing", 1.0):
        for step in run.steps(round(params.seconds / STEP_SECONDS)):
            time.sleep(STEP_SECONDS)
            run.record(loss=1.0 / (1 + step))
    return sheet(grid_of(params.faces))


def grid_of(faces: int) -> int:
    """Vertices along an edge of the sheet with about so many triangles."""
    return 1 + round((faces / 2) ** 0.5)


def sheet(grid: int) -> TriangleMesh:
    """A wavy sheet of `grid` x `grid` vertices."""
    x, y = np.meshgrid(*(np.linspace(-1.0, 1.0, grid),) * 2, indexing="ij")
    positions = np.stack([x, y, 0.1 * np.sin(6.0 * x * y)], axis=-1).reshape(-1, 3)
    corner = (np.arange(grid - 1)[:, None] * grid + np.arange(grid - 1)).reshape(-1, 1)
    halves = np.array([[0, grid, 1], [1, grid, grid + 1]])
    triangles = np.concatenate([corner + half for half in halves])
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=triangles.astype(np.int32),
        colors=np.abs(positions).astype(np.float32),
    )
