# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln job JOB`: one job on a backend: how it stands, what was asked for, what it has left.

It must not know the protocol.
"""

from __future__ import annotations

import typer
from lightkiln_shared.messages import DescribeJob, ListArtifacts, UnwatchJob, WatchJob

from .line import Data, Job, chosen
from .telling import Json, print_json
from .words import ago, shown, size, standing


def job(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Say how a job stands, what was asked for and what it has left."""
    line = chosen(context, data)
    job_id = line.job_id(job)
    found = line.ask(WatchJob(job_id=job_id)).job
    line.ask(UnwatchJob(job_id=job_id))
    asked = line.ask(DescribeJob(job_id=job_id))
    artifacts = line.ask(ListArtifacts(job_id=job_id)).artifacts
    if as_json:
        print_json({"job": found, "asked": asked, "artifacts": artifacts})
        return
    typer.echo(f"{found.job_id}  {shown(found.title)}, {shown(found.method)} {shown(found.preset)}")
    typer.echo(f"{standing(found)}, asked for {ago(found.created)}")
    if found.reason:
        typer.echo(shown(found.reason))
    for name, value in sorted({**asked.params, **asked.finish}.items()):
        typer.echo(f"  {shown(name)} = {shown(str(value))}")
    for artifact in artifacts:
        typer.echo(f"  {shown(artifact.name)}  {size(artifact.size)}")
