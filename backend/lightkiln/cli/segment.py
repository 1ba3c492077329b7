# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln segment SCENE -o MASKS`: a mask for each photograph of a scene, here or elsewhere.

They are called as their photographs with `.png` added, which is how scenes are given masks. It must
not know how masks are made.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import MalformedMessage, UserError
from lightkiln_shared.scene import Scene

from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.write_scene import new_folder
from lightkiln.jobs.folder import JobFolder, JobSpec
from lightkiln.jobs.segment import LIST
from lightkiln.methods.registry import DEFAULT_PRESET

from .settings import Settings, settings_of
from .telling import Json, telling
from .workplace import Detach, workplace

METHOD = "segment"


def segment(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    scene: Annotated[Path, typer.Argument(help="Folder with cameras of any known kind.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder of masks to make.")
    ] = None,
    method: Annotated[str, typer.Option(help="One that makes masks.")] = METHOD,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    settings: Settings = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Find the object in each photograph of a scene: masks, the object white."""
    if output is None and not detach:
        raise UserError("Where shall the masks go?", hint="Add --output FOLDER.")
    place = workplace(context, detach=detach, as_json=as_json)
    values = settings_of(method, place.method(method).params, settings)
    title = scene.resolve().name
    job = JobSpec(job_id="0" * 16, title=title, method=method, preset=preset, params=values)
    place.check(job)
    views, files = open_scene(scene)
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        with telling(as_json=as_json, quiet=detach) as told:
            folder = place.run(job, views, files, Path(parent) / "job", told)
        if output is not None:
            with new_folder(output):
                _write(folder, views, output)
            told.wrote(output)


def _write(folder: JobFolder, scene: Scene, output: Path) -> None:
    listed = folder.artifacts / LIST
    if not listed.exists():
        raise UserError("The job has left no masks.", hint="Choose a method that makes masks.")
    made = {each["sha256"]: each["mask"] for each in json.loads(listed.read_bytes())}
    present = {path.name: path for path in folder.artifacts.iterdir()}
    for view in scene.views:
        mask = present.get(made.get(view.image.sha256, ""))
        if mask is None:
            raise MalformedMessage(f"there is no mask of {view.name}")
        shutil.copyfile(mask, output / f"{Path(view.name).name}.png")
