# SPDX-License-Identifier: GPL-3.0-or-later
"""A method that only shows things, as fast and as large as it may, to measure who takes them.

Pictures of 1280 x 720 whatever is asked for, and coarse meshes of the size that `Run.preview_mesh`
allows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from lightkiln.api import Camera, Inputs, MethodSpec, RenderedImage, Run, TriangleMesh, param, rng

WIDTH, HEIGHT = 1280, 720
GRID = 158
"""Vertices along an edge of the coarse mesh: 49,298 triangles."""
HALVES = np.array([[0, GRID, 1], [1, GRID, GRID + 1]])
"""The corners of a cell's two triangles, as steps from its first."""
STEP_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Params:
    seconds: float = param(20.0, "How long it goes on.", min=0.1, max=600.0, unit="s")


SPEC = MethodSpec(
    name="flood",
    title="Flood",
    summary="Shows noise.",
    params=Params,
    entry="benchmarks.flood:reconstruct",
)


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """A wavy sheet, after some time."""
    noise = rng(run).integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    sheet = _sheet()

    def render(camera: Camera) -> RenderedImage:
        return RenderedImage(pixels=noise, camera=replace(camera, width=WIDTH, height=HEIGHT))

    run.preview(render)
    run.preview_mesh(lambda: sheet)
    with run.phase("showing", 1.0):
        for step in run.steps(round(params.seconds / STEP_SECONDS)):
            time.sleep(STEP_SECONDS)
            run.record(loss=1.0 / (1 + step))
    return sheet


def _sheet() -> TriangleMesh:
    x, y = np.meshgrid(*(np.linspace(-1.0, 1.0, GRID),) * 2, indexing="ij")
    positions = np.stack([x, y, 0.1 * np.sin(6.0 * x * y)], axis=-1).reshape(-1, 3)
    corner = (np.arange(GRID - 1)[:, None] * GRID + np.arange(GRID - 1)).reshape(-1, 1)
    triangles = np.concatenate([corner + half for half in HALVES])
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=triangles.astype(np.int32),
        colors=np.abs(positions).astype(np.float32),
    )
