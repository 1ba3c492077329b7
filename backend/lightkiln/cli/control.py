# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of a job on a backend, one command each: `lightkiln cancel JOB` and so on.

It must not know the protocol, nor what follows from what is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob
from lightkiln_shared.sharing import KeepJob

from .line import Data, Job, chosen
from .telling import Json, print_json


def cancel(
    context: typer.Context,
    job: Job,
    keep_mesh: Annotated[
        bool, typer.Option("--keep-mesh", help="Come to the mesh so far instead.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Stop a job; nothing of it is kept, unless the mesh so far is asked for."""
    _ask(context, job, JobAction.FINISH if keep_mesh else JobAction.CANCEL, data, as_json)


def pause(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Save a job's state and free its device."""
    _ask(context, job, JobAction.PAUSE, data, as_json)


def resume(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Go on where a job was paused."""
    _ask(context, job, JobAction.RESUME, data, as_json)


def retry(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Run a failed or cancelled job again, from its last saved state where there is one."""
    _ask(context, job, JobAction.RETRY, data, as_json)


def delete(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Delete a job that is over, and its files."""
    _ask(context, job, JobAction.DELETE, data, as_json)


def keep(
    context: typer.Context,
    job: Job,
    no_longer: Annotated[bool, typer.Option("--no-longer", help="The contrary.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Never delete a job to make room, or because it is old."""
    line = chosen(context, data)
    job_id = line.job_id(job)
    line.ask(KeepJob(job_id=job_id, kept=not no_longer))
    _told(job_id, "not kept any longer" if no_longer else "kept", as_json)


def _ask(
    context: typer.Context, job: str, action: JobAction, data: Path | None, as_json: bool
) -> None:
    line = chosen(context, data)
    job_id = line.job_id(job)
    line.ask(ControlJob(job_id=job_id, action=action))
    _told(job_id, f"asked: {action}", as_json)


def _told(job_id: str, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"job_id": job_id, "done": what})
    else:
        typer.echo(f"{job_id}  {what}")
