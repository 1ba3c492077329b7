# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln texture MESH --scene SCENE -o OUT`: photographs onto any mesh that stands in a scene.

A finished job's folder brings its scene along, and its surface as the method made it. Nothing is
trained. It must not know how a texture is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.params import build
from rich.console import Console
from rich.progress import track

from lightkiln.capture.inputs import Inputs
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.jobs.folder import JobFolder
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.export_textured import save_textured
from lightkiln.texture.finish import cleaned, reduced, textured

from .finishing import Faces, FillHoles, KeepLargest
from .reconstruct import check_output

DEFAULT_SIZE = 2048


def texture(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    mesh: Annotated[Path, typer.Argument(help="A mesh, or the folder of a finished job.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")],
    scene: Annotated[
        Path | None, typer.Option(help="The scene's folder; a job's folder has its own.")
    ] = None,
    size: Annotated[int, typer.Option(help="Texels along the texture's edge.")] = DEFAULT_SIZE,
    faces: Faces = 0,
    fill_holes: FillHoles = False,
    keep_largest: KeepLargest = False,
    no_normal_map: Annotated[
        bool, typer.Option("--no-normal-map", help="Leave the finer mesh's shape out.")
    ] = False,
) -> None:
    """Unwrap a mesh and bake photographs onto it."""
    check_output(output)
    options: dict[str, Any] = {"texture": size, "faces": faces, "normal_map": not no_normal_map}
    finish = build(Finish, {**options, "fill_holes": fill_holes, "keep_largest": keep_largest})
    if finish.texture == 0:
        raise UserError("A texture of 0 texels holds nothing.", hint="Use --size 2048.")
    console = Console(stderr=True)
    surface, inputs = _opened(mesh, scene, console)
    whole = cleaned(surface, finish)
    console.print("Unwrapping; a minute for 100 000 triangles.")

    def steps(count: int) -> Iterable[int]:
        return track(range(count), "baking", console=console)

    save_textured(textured(reduced(whole, finish), whole, inputs.views, finish, steps), output)
    console.print(f"Wrote {output}.")


def _opened(mesh: Path, scene: Path | None, console: Console) -> tuple[TriangleMesh, Inputs]:
    job = JobFolder(mesh) if mesh.is_dir() else None
    if job is not None and not job.surface.exists():
        raise UserError(f"{mesh} is no finished job's folder.", hint="Give a mesh's file.")
    if job is None and scene is None:
        raise UserError("A mesh alone has no photographs.", hint="Add --scene FOLDER.")
    surface = load_mesh(mesh if job is None else job.surface)
    if not isinstance(surface, TriangleMesh):
        raise UserError(f"{mesh.name} has no triangles.", hint="A point cloud takes no texture.")
    if scene is not None:
        views, files = open_scene(scene)
        return surface, load_inputs(views, files, warn=console.print)
    assert job is not None  # without a scene it is one: checked above
    return surface, load_inputs(job.scene(), job.files, warn=console.print)
