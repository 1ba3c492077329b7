# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln align PHOTOS -o SCENE`: a folder of photographs, or a video, becomes a scene.

    SCENE/transforms.json   cameras and region, which `lightkiln reconstruct SCENE` takes
    SCENE/images/ masks/    the photographs that were placed, linked where that is possible
    SCENE/sparse/0/         the same as a COLMAP model, with its points and tracks
    SCENE/points.ply report.json

It must not know how photographs are aligned.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.codec import from_json
from lightkiln_shared.params import Scalar
from lightkiln_shared.scene import Scene
from rich.console import Console

from lightkiln.capture.open_scene import hash_file
from lightkiln.capture.write_scene import new_folder, place_files, write_transforms
from lightkiln.executors.devices import cpu
from lightkiln.jobs.align import MODEL, MODEL_FILES, POINTS, SCENE
from lightkiln.jobs.artifacts import REPORT
from lightkiln.jobs.folder import JobFolder, JobSpec, create
from lightkiln.methods.registry import DEFAULT_PRESET, params_for, spec_named

from .following import Display, follow
from .photographs import passed_over, unposed
from .settings import setting

METHOD = "align"


def align(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, or a video.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    video: Annotated[
        bool, typer.Option("--video", help="They follow each other, as frames of a video do.")
    ] = False,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A method's parameter.")
    ] = None,
) -> None:
    """Find where photographs, or the frames of a video, were taken.

    Photographs that cannot be placed are listed, each with the reason.
    """
    values = dict(setting(spec_named(METHOD), text) for text in settings or ())
    if video:
        values["in_order"] = True
    params_for(spec_named(METHOD), preset, values)
    console = Console(stderr=True, highlight=False)
    with new_folder(output), tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        with Display(console) as display:
            folder = aligned(photos, Path(parent), preset, values, display)
        _tell(folder, console)
        write(folder, output)
    console.print(f"Wrote {output}.")


def aligned(
    photos: Path, parent: Path, preset: str, values: dict[str, Scalar], display: Display
) -> JobFolder:
    """Align in a job's folder below `parent`; the folder, with its artifacts."""
    scene, files, others = unposed(photos)
    if others:
        display.say(passed_over(others))
    job = JobSpec(job_id="0" * 16, title=photos.name, method=METHOD, preset=preset, params=values)
    folder = create(parent / "align", job, scene, files)
    asyncio.run(follow(folder, cpu(), display))
    return folder


def write(folder: JobFolder, output: Path) -> None:
    """Write what an alignment left as a scene's folder."""
    scene, files = solved(folder)
    names = place_files(scene, files, output)
    write_transforms(scene, names, output / "transforms.json")
    model = output / "sparse" / "0"
    model.mkdir(parents=True)
    with zipfile.ZipFile(folder.artifacts / MODEL) as archive:
        for name in MODEL_FILES:
            (model / name).write_bytes(archive.read(name))
    for name in (POINTS, REPORT):
        shutil.copyfile(folder.artifacts / name, output / name)


def solved(folder: JobFolder) -> tuple[Scene, dict[str, Path]]:
    """The scene that an alignment left, and where its files lie by SHA-256."""
    scene = from_json(Scene, (folder.artifacts / SCENE).read_bytes())
    files = {path.name: path for path in folder.files.iterdir()}
    if any(ref.sha256 not in files for ref in scene.files):  # frames of a film, converted ones
        files |= {hash_file(path): path for path in folder.artifacts.iterdir()}
    return scene, files


def _tell(folder: JobFolder, console: Console) -> None:
    """How it went, and each photograph that was left out."""
    report = json.loads((folder.artifacts / REPORT).read_bytes())["alignment"]
    placed, left = len(report["placed"]), len(report["unplaced"])
    console.print(
        f"{placed} of {placed + left} photographs placed, {report['points']} "
        f"points, reprojection error {report['reprojection_error']:.2f} px."
    )
    for text in unplaced(folder):
        console.print(text)


def unplaced(folder: JobFolder) -> list[str]:
    """A line for each photograph that was left out."""
    report = json.loads((folder.artifacts / REPORT).read_bytes())["alignment"]
    return [f"[yellow]not placed:[/] {each['name']}: {each['text']}" for each in report["unplaced"]]
