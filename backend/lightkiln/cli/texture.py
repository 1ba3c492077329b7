# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln texture MESH --scene SCENE -o OUT`: photographs onto any mesh that stands in a scene.

A finished job's folder brings its scene along, and its surface as the method made it. Nothing is
trained. It must not know how a texture is made.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.messages import FinishAgain
from lightkiln_shared.params import build
from rich.console import Console
from rich.progress import track

from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.jobs.folder import JobFolder
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.export_textured import save_textured
from lightkiln.texture.finish import cleaned, reduced, textured

from .finishing import Faces, FillHoles, KeepLargest
from .results import NEEDED, check_output, write
from .telling import Json, tell_written, telling
from .workplace import Detach, There, workplace

DEFAULT_SIZE = 2048


def texture(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    mesh: Annotated[
        Path,
        typer.Argument(
            help="A mesh, or the folder of a finished job; with --backend a finished job's id."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")
    ] = None,
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
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Unwrap a mesh and bake photographs onto it; of a job on a backend, nothing is sent again."""
    check_output(output, detach=detach)
    options: dict[str, Any] = {"texture": size, "faces": faces, "normal_map": not no_normal_map}
    options |= {"fill_holes": fill_holes, "keep_largest": keep_largest}
    finish = build(Finish, options)
    if finish.texture == 0:
        raise UserError("A texture of 0 texels holds nothing.", hint="Use --size 2048.")
    place = workplace(context, detach=detach, as_json=as_json)
    if isinstance(place, There):
        _again(place, str(mesh), options, output, scene)
        return
    assert output is not None  # only a backend can be left alone
    console = Console(stderr=True, quiet=as_json)
    surface, views = _opened(mesh, scene, console)
    whole = cleaned(surface, finish)
    console.print("Unwrapping; a minute for 100 000 triangles.")

    def steps(count: int) -> Iterable[int]:
        return track(range(count), "baking", console=console)

    save_textured(textured(reduced(whole, finish), whole, views, finish, steps), output)
    tell_written(output, as_json=as_json)


def _again(
    place: There, job: str, options: dict[str, Any], output: Path | None, scene: Path | None
) -> None:
    """Finish a job's surface once more, where it was made."""
    if scene is not None:
        raise UserError("A job has its own photographs.", hint="Leave --scene out.")
    job_id = place.line.job_id(job)
    request = FinishAgain(request_id=str(uuid.uuid4()), job_id=job_id, finish=options)
    accepted = place.line.ask(request).job_id
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        with telling(as_json=place.as_json, quiet=place.is_detached) as told:
            folder = place.bring(accepted, Path(parent) / "job", told, NEEDED)
        if output is not None:
            told.wrote(write(folder, output, report=False))


def _opened(
    mesh: Path, scene: Path | None, console: Console
) -> tuple[TriangleMesh, tuple[LoadedView, ...]]:
    """The surface and its photographs; none where it was made of words: it has its own colours."""
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
        return surface, load_inputs(views, files, warn=console.print).views
    assert job is not None  # without a scene it is one: checked above
    if job.scene().prompt is not None:
        return surface, ()
    return surface, load_inputs(job.scene(), job.files, warn=console.print).views
