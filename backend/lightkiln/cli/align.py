# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln align PHOTOS -o SCENE`: a folder of photographs, or a video, becomes a scene.

    SCENE/transforms.json   cameras and region, which `lightkiln reconstruct SCENE` takes
    SCENE/images/ masks/    the photographs that were placed, linked where that is possible
    SCENE/sparse/0/         the same as a COLMAP model, with its points and tracks
    SCENE/points.ply report.json

It must not know how photographs are aligned.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.codec import from_json
from lightkiln_shared.errors import InvalidScene, UserError
from lightkiln_shared.params import Scalar
from lightkiln_shared.scene import Scene
from rich.markup import escape

from lightkiln.capture.open_scene import hash_file
from lightkiln.capture.write_scene import new_folder, place_files, write_transforms
from lightkiln.jobs.align import MODEL, MODEL_FILES, POINTS, SCENE
from lightkiln.jobs.artifacts import REPORT
from lightkiln.jobs.folder import JobFolder, JobSpec
from lightkiln.methods.registry import DEFAULT_PRESET

from .photographs import passed_over, unposed
from .settings import Settings, settings_of
from .telling import Json, Telling, telling
from .words import shown
from .workplace import Detach, Workplace, workplace

METHOD = "align"


def align(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, or a video.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder to make.")
    ] = None,
    video: Annotated[
        bool, typer.Option("--video", help="They follow each other, as frames of a video do.")
    ] = False,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    settings: Settings = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Find where photographs, or the frames of a video, were taken.

    Photographs that cannot be placed are listed, each with the reason.
    """
    if output is None and not detach:
        raise UserError("Where shall the scene go?", hint="Add --output FOLDER.")
    place = workplace(context, detach=detach, as_json=as_json)
    values = settings_of(METHOD, place.method(METHOD).params, settings)
    if video:
        values["in_order"] = True
    place.check(_job(photos, preset, values))
    with (
        new_folder(output) if output is not None else nullcontext(),
        tempfile.TemporaryDirectory(prefix="lightkiln-") as parent,
    ):
        with telling(as_json=as_json, quiet=detach) as told:
            folder, files = aligned(photos, Path(parent), preset, values, told, place)
            _tell(folder, told)
        if output is not None:
            write(folder, files, output)
            told.wrote(output)


def aligned(
    photos: Path,
    parent: Path,
    preset: str,
    values: dict[str, Scalar],
    told: Telling,
    place: Workplace,
) -> tuple[JobFolder, dict[str, Path]]:
    """Align in a folder below `parent`; the folder with what came of it, and the photographs."""
    scene, files, others = unposed(photos)
    if others:
        told.say(passed_over(others))
    return place.run(_job(photos, preset, values), scene, files, parent / "align", told), files


def _job(photos: Path, preset: str, values: dict[str, Scalar]) -> JobSpec:
    title = photos.resolve().name
    return JobSpec(job_id="0" * 16, title=title, method=METHOD, preset=preset, params=values)


def write(folder: JobFolder, photographs: Mapping[str, Path], output: Path) -> None:
    """Write what an alignment of some photographs, by SHA-256, left as a scene's folder."""
    scene, files = solved(folder, photographs)
    names = place_files(scene, files, output)
    write_transforms(scene, names, output / "transforms.json")
    model = output / "sparse" / "0"
    model.mkdir(parents=True)
    with zipfile.ZipFile(folder.artifacts / MODEL) as archive:
        for name in MODEL_FILES:
            (model / name).write_bytes(archive.read(name))
    for name in (POINTS, REPORT):
        shutil.copyfile(folder.artifacts / name, output / name)


def solved(folder: JobFolder, photographs: Mapping[str, Path]) -> tuple[Scene, dict[str, Path]]:
    """The scene that an alignment left, and where its files lie by SHA-256."""
    scene = from_json(Scene, (folder.artifacts / SCENE).read_bytes())
    files = dict(photographs)
    if any(ref.sha256 not in files for ref in scene.files):  # frames of a film, converted ones
        files |= {hash_file(path): path for path in folder.artifacts.iterdir()}
    if any(ref.sha256 not in files for ref in scene.files):
        raise InvalidScene("These are not the photographs that were aligned.")
    return scene, files


def _tell(folder: JobFolder, told: Telling) -> None:
    """How it went, and each photograph that was left out."""
    report = json.loads((folder.artifacts / REPORT).read_bytes())["alignment"]
    placed, left = len(report["placed"]), len(report["unplaced"])
    told.say(
        f"{placed} of {placed + left} photographs placed, {report['points']} "
        f"points, reprojection error {report['reprojection_error']:.2f} px."
    )
    for text in unplaced(folder):
        told.say(text)


def unplaced(folder: JobFolder) -> list[str]:
    """A line for each photograph that was left out."""
    report = json.loads((folder.artifacts / REPORT).read_bytes())["alignment"]
    return [
        f"[yellow]not placed:[/] {escape(shown(each['name']))}: {escape(shown(each['text']))}"
        for each in report["unplaced"]
    ]
