# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods for the tests of the add-on: they take their time, show all they can, and what they make
is known.

The mesh is a cube's corners around `CENTRE`: the octahedron of radius 0.5 m, red above, blue below.
Of words it is the one that the region's ball holds, or what it was to begin from; the candidates
are as grey as their seeds say.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from lightkiln.api import (
    Camera,
    Inputs,
    MethodSpec,
    Need,
    Product,
    RenderedImage,
    Run,
    TextInputs,
    TriangleMesh,
    param,
)
from lightkiln_shared.camera import project
from numpy.typing import NDArray

CENTRE = np.array([1.0, 2.0, 3.0])
STEP_SECONDS = 0.05
CORNERS = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Params:
    rounds: int = param(20, "Steps to take.", min=1, max=1000, unit="steps")
    radius: float = param(0.5, "Radius of the octahedron.", min=0.01, max=0.9, unit="m")
    closed: bool = param(True, "Close the lower half.")
    paint: str = param("two", "Colours.", choices=("two", "none"), advanced=True)
    empty: bool = param(False, "Find no surface.", advanced=True)


SPEC = MethodSpec(
    name="paced",
    title="Paced",
    summary="Takes its time.",
    params=Params,
    entry="paced:reconstruct",
    renders_frames=True,
    presets={"draft": {"rounds": 5}, "high": {"rounds": 400, "radius": 0.7}},
)


@dataclass(frozen=True, kw_only=True)
class WordParams:
    prior: str = param("embedded", "What draws.")
    rounds: int = param(5, "Steps to take.", min=1, max=1000)
    resolution: int = param(32, "Steps of the lattice.", min=8, max=40)
    guidance: float = param(0.0, "How strictly.", min=0.0, max=100.0)


WORDS = MethodSpec(
    name="paced-words",
    title="Paced Words",
    summary="Takes its time for words.",
    params=WordParams,
    entry="paced:generate",
    needs=(Need.TEXT,),
    presets={"high": {"rounds": 400}},
)
PICTURES = MethodSpec(
    name="text-candidates",
    title="Paced Candidates",
    summary="Draws grey pictures.",
    params=WordParams,
    entry="paced:draw",
    needs=(Need.TEXT,),
    produces=Product.PICTURES,
)


def generate(inputs: TextInputs, params: WordParams, run: Run) -> TriangleMesh:
    """The octahedron that the region's ball holds, or what it is to begin from, in the world."""
    mesh = inputs.start or replace(_octahedron(Params(radius=1.0)), positions=CORNERS)
    placed = inputs.region.world_from_region
    mesh = replace(
        mesh,
        positions=(mesh.positions @ placed[:3, :3].T + placed[:3, 3]).astype(np.float32),
        normals=None,
    )
    run.preview(_render)
    run.preview_mesh(lambda: mesh)
    picture = "" if inputs.image is None else f", a picture of {inputs.image.shape[1]} px"
    run.warn(f"{inputs.prompt}; not {inputs.negative or 'anything'}; seed {run.seed}{picture}.")
    with run.phase("pacing", 1.0):
        for _ in run.steps(params.rounds):
            time.sleep(STEP_SECONDS)
    return mesh


def draw(
    inputs: TextInputs, params: WordParams, run: Run
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    with run.phase("drawing", 1.0):
        for index in run.steps(4):
            yield run.seed + index, np.full((64, 64, 3), 50 * index, dtype=np.uint8)


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """The octahedron, whatever the images show."""
    run.preview(_render)
    run.frames(_frame)
    run.preview_mesh(lambda: _octahedron(params))
    run.warn("This method does not look at the images.")
    with run.phase("pacing", 1.0):
        for step in run.steps(params.rounds):
            time.sleep(STEP_SECONDS)
            run.record(loss=1.0 / (1 + step), psnr=20.0 + step)
    mesh = _octahedron(params)
    return replace(mesh, triangles=mesh.triangles[:0]) if params.empty else mesh


def _frame(camera: Camera) -> RenderedImage:
    """Where the octahedron's middle is, in white."""
    pixels = np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    (place,), _ = project(camera, CENTRE[None])
    column, row = np.floor(place).astype(int)
    pixels[row, column] = 255
    return RenderedImage(pixels=pixels, camera=camera)


def _render(camera: Camera) -> RenderedImage:
    pixels = np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
    pixels[: camera.height // 2] = (255, 0, 0, 255)
    pixels[camera.height // 2 :] = (0, 0, 128, 255)
    return RenderedImage(pixels=pixels, camera=camera)


def _octahedron(params: Params) -> TriangleMesh:
    corners = CORNERS
    faces = [(0, 1, 2), (1, 3, 2), (3, 4, 2), (4, 0, 2)]
    faces += [(1, 0, 5), (3, 1, 5), (4, 3, 5), (0, 4, 5)] if params.closed else []
    colors = np.where(corners[:, 2:] >= 0.0, (1.0, 0.0, 0.0), (0.0, 0.0, 0.5))
    return TriangleMesh(
        positions=(CENTRE + params.radius * corners).astype(np.float32),
        triangles=np.array(faces, dtype=np.int32),
        colors=colors.astype(np.float32) if params.paint == "two" else None,
    )
