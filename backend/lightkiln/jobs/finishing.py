# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to any method's surface, and the files that it becomes.

    mesh.ply                    the surface as the method made it; jobs are finished again from it
    mesh.glb                    the result, its images packed
    result.ply                  the result if it is another one: places as `s` and `t` if textured
    basecolor.png normal.png    its images

Only a job that asks for it imports what unwraps and bakes.
It must not know how the surface was made.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh
from PIL import Image

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.export import save_mesh
from lightkiln.mesh.export_textured import images, save_textured, write_places

from . import atomic
from .run import JobRun

RESULT_GLB, RESULT_PLY = "mesh.glb", "result.ply"
SHARE_OF_TEXTURE = 0.25
"""Of a job's time, and of its time limit, if it has a texture: about what it takes beside `kiln
draft`."""
TOO_LATE = (
    "The time limit came before the texture: the mesh has the colours of its vertices. Make the "
    "texture from the finished job; nothing is trained again."
)


def share_of_method(options: Finish) -> float:
    """The part of the whole work that the method does."""
    return 1.0 - SHARE_OF_TEXTURE if options.texture else 1.0


def finished(
    surface: TriangleMesh,
    views: Sequence[LoadedView],
    options: Finish,
    folder: Path,
    run: JobRun,
) -> tuple[TriangleMesh, list[Path]]:
    """Finish a surface and write it into a folder; the result and the files, all but `mesh.ply`.

    A texture that was begun in time is baked to its end; one that was not is left out.
    """
    if options.texture and run.seconds_left() <= 0.0:
        run.warn(TOO_LATE)
        options = replace(options, texture=0)
    if not (options.texture or options.faces or options.fill_holes or options.keep_largest):
        with atomic.whole(folder / RESULT_GLB) as beside:
            save_mesh(surface, beside)
        return surface, [folder / RESULT_GLB]
    work: Any = importlib.import_module("lightkiln.texture.finish")
    whole = work.cleaned(surface, options)
    result = work.reduced(whole, options)
    if options.texture:
        run.part = SHARE_OF_TEXTURE
        with run.phase("texture", share=1.0):
            made = work.textured(result, whole, views, options, run.all_steps)
        return made.mesh, _keep_textured(made, folder)
    with atomic.whole(folder / RESULT_GLB) as beside:
        save_mesh(result, beside)
    with atomic.whole(folder / RESULT_PLY) as beside:
        save_mesh(result, beside)
    return result, [folder / RESULT_GLB, folder / RESULT_PLY]


def _keep_textured(made: TexturedMesh, folder: Path) -> list[Path]:
    with atomic.whole(folder / RESULT_GLB) as beside:
        save_textured(made, beside)
    with atomic.whole(folder / RESULT_PLY) as beside:
        write_places(made, beside)
    written = [folder / RESULT_GLB, folder / RESULT_PLY]
    for name, pixels in images(made).items():
        with atomic.whole(folder / name) as beside:
            Image.fromarray(pixels).save(beside)
        written.append(folder / name)
    return written
