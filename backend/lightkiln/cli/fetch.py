# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln fetch JOB -o OUT`: what a job on a backend has made, brought here.

    OUT.glb OUT.ply OUT.obj    the mesh, and OUT_frames/ if it made pictures
    OUT with --photos FOLDER   the scene that an alignment of these photographs has made
    OUT                        any other name: a folder of all files that it has left

It must not know the protocol.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.jobs import JobState
from lightkiln_shared.messages import UnwatchJob, WatchJob

from lightkiln.capture.write_scene import new_folder
from lightkiln.jobs.align import SCENE
from lightkiln.jobs.folder import JobFolder
from lightkiln.mesh.export import WRITTEN

from . import align, results
from .line import Data, Job, Line, chosen
from .photographs import unposed
from .remote_job import fetch as fetch_artifacts
from .telling import Json, tell_written


def fetch(
    context: typer.Context,
    job: Job,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A mesh .glb, .ply, .obj, or a folder to make.")
    ],
    photos: Annotated[
        Path | None, typer.Option(help="Of an alignment: the photographs, as they were given.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write OUT.json.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring what a job has made here."""
    is_mesh = output.suffix.lower() in WRITTEN
    if is_mesh:
        results.check_output(output)
    line = chosen(context, data)
    job_id = line.job_id(job)
    _check_over(line, job_id)
    if is_mesh:
        written = _mesh(line, job_id, output, report=report)
    else:
        with new_folder(output):
            if photos is not None:
                _scene(line, job_id, photos, output)
            else:
                fetch_artifacts(line, job_id, output)
        written = output
    tell_written(written, as_json=as_json)


def _check_over(line: Line, job_id: str) -> None:
    job = line.ask(WatchJob(job_id=job_id)).job
    line.ask(UnwatchJob(job_id=job_id))
    if job.state is not JobState.SUCCEEDED:
        raise UserError(
            f"The job is {job.state}: there is nothing to fetch.",
            hint=f"{line.command} follow {job_id}",
        )


def _mesh(line: Line, job_id: str, output: Path, *, report: bool) -> Path:
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        folder = JobFolder(Path(parent))
        folder.artifacts.mkdir()
        fetch_artifacts(line, job_id, folder.artifacts, results.NEEDED)
        return results.write(folder, output, report=report)


def _scene(line: Line, job_id: str, photos: Path, output: Path) -> None:
    _, files, _ = unposed(photos)
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        folder = JobFolder(Path(parent))
        folder.artifacts.mkdir()
        fetch_artifacts(line, job_id, folder.artifacts)
        if not (folder.artifacts / SCENE).exists():
            raise UserError("That job has aligned nothing.", hint="Leave --photos out.")
        align.write(folder, files, output)
