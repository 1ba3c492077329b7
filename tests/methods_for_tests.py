# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods that do as their parameters say, to see what becomes of a job around them.

One counts, keeps its count in checkpoints and makes a triangle whose first coordinate is the count.
The others do the same with words, and draw pictures of nothing.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

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

ENDINGS = ("mesh", "empty", "bug", "nan", "dies", "device", "host", "torch")


class OutOfMemoryError(RuntimeError):
    """Stands for torch's, as a full graphics card raises it."""


@dataclass(frozen=True, kw_only=True)
class Params:
    steps: int = param(20, "Steps.", min=1, max=1_000_000)
    seconds: float = param(0.01, "Seconds a step takes.", min=0.0, max=1000.0)
    ending: str = param("mesh", "How it ends.", choices=ENDINGS)
    saves: bool = param(True, "Offers checkpoints.")
    deaf: bool = param(False, "Works without asking for steps.")
    rays: int = param(64, "What takes memory.", min=4, max=1024)
    bearable: int = param(0, "Rays for which there is memory.", min=0, max=1024)


SPEC = MethodSpec(
    name="counter",
    title="Counter",
    summary="Counts.",
    params=Params,
    entry="methods_for_tests:reconstruct",
    renders_frames=True,
    halvings=(("rays",), ("rays",)),
    presets={"draft": {"steps": 5}},
)

WORDS = MethodSpec(
    name="words",
    title="Words",
    summary="Counts, whatever is said.",
    params=Params,
    entry="methods_for_tests:generate",
    needs=(Need.TEXT,),
    presets={"draft": {"steps": 5}},
)
PICTURES = MethodSpec(
    name="pictures",
    title="Pictures",
    summary="Draws four times the same.",
    params=Params,
    entry="methods_for_tests:draw",
    needs=(Need.TEXT,),
    produces=Product.PICTURES,
)


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    state = run.resume()
    count = 0 if state is None else int(state["count"])
    if params.saves:
        run.checkpoint(lambda: {"count": np.array(count)})
    run.preview(lambda camera: picture(camera, count))
    run.frames(lambda camera: picture(camera, count))
    run.preview_mesh(lambda: triangle(float(count)))
    with run.phase("counting", share=0.9):
        if params.deaf:
            time.sleep(params.steps * params.seconds)
        for _ in run.steps(params.steps - count):
            time.sleep(params.seconds)
            count += 1
            run.record(loss=1.0 / count, broken=float("nan"))
            if run.seconds_left() < math.inf:
                run.record(seconds_left=run.seconds_left())
            if params.ending == "dies" and count == params.steps // 2:
                os.kill(os.getpid(), 9)
    with run.phase("ending", share=0.1):
        return end("mesh" if params.rays <= params.bearable else params.ending, count)


def generate(inputs: TextInputs, params: Params, run: Run) -> TriangleMesh:
    run.warn(f"Asked for: {inputs.prompt}; not: {inputs.negative}; by {run.seed}.")
    if inputs.image is not None:
        run.warn(f"A picture {inputs.image.shape}.")
    if inputs.start is not None:
        run.warn(f"From {len(inputs.start.triangles)} triangles.")
    return reconstruct(inputs, params, run)  # type: ignore[arg-type]  # it looks at no inputs


def draw(inputs: TextInputs, params: Params, run: Run) -> Iterator[tuple[int, np.ndarray]]:
    with run.phase("drawing", share=1.0):
        for index in run.steps(4):
            time.sleep(params.seconds)
            yield run.seed + index, np.full((32, 32, 3), 60 * index, dtype=np.uint8)


def end(ending: str, count: int) -> TriangleMesh:
    if ending == "bug":
        raise ZeroDivisionError("a bug of the method")
    if ending == "device":
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    if ending == "host":
        np.empty(2**46)
    if ending == "torch":
        importlib.import_module("torch").empty(2**46)
    mesh = triangle(float("nan") if ending == "nan" else float(count))
    return (
        mesh
        if ending != "empty"
        else TriangleMesh(positions=mesh.positions, triangles=mesh.triangles[:0])
    )


def picture(camera: Camera, count: int) -> RenderedImage:
    pixels = np.full((camera.height, camera.width, 4), count % 256, dtype=np.uint8)
    return RenderedImage(pixels=pixels, camera=camera)


def triangle(first: float) -> TriangleMesh:
    positions = np.array([[first, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    return TriangleMesh(
        positions=positions,
        triangles=np.array([[0, 1, 2]], dtype=np.int32),
        colors=np.full((3, 3), 0.5, dtype=np.float32),
    )
