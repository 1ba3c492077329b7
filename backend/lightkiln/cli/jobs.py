# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln jobs`: the jobs on a backend, and for its owner everybody's and who goes first.

It must not know the protocol.
"""

from __future__ import annotations

from typing import Annotated

import typer
from lightkiln_shared.jobs import JobSummary, Priority
from lightkiln_shared.messages import ListJobs
from lightkiln_shared.sharing import ListAllJobs, SetPriority
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .line import Data, chosen
from .telling import Json, print_json
from .words import ago, shown, standing


def jobs(
    context: typer.Context,
    everybody: Annotated[
        bool, typer.Option("--all", help="For the owner, at the backend: all clients' jobs.")
    ] = False,
    priority: Annotated[
        tuple[str, Priority] | None,
        typer.Option(
            help="For the owner, at the backend: let anybody's job go first or last.",
            metavar="JOB low|normal|high",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the jobs on a backend, the newest first."""
    line = chosen(context, data)
    if priority is not None:
        job_id, wanted = priority
        line.ask(SetPriority(job_id=job_id, priority=wanted))
    if everybody or priority is not None:
        all_jobs = line.ask(ListAllJobs())
        if as_json:
            print_json(all_jobs)
        else:
            _print([(shown(each.client) or "-", each.job) for each in all_jobs.jobs])
        return
    own = line.ask(ListJobs())
    if as_json:
        print_json(own)
    else:
        _print([("", job) for job in own.jobs])


def _print(rows: list[tuple[str, JobSummary]]) -> None:
    if not rows:
        typer.echo("There are no jobs.")
        return
    of_all = any(client for client, _ in rows)
    clients = ("Client",) if of_all else ()
    table = Table(
        Column("Job", no_wrap=True),
        *clients,
        "Title",
        "Method",
        "How it stands",
        "Asked for",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for client, job in rows:
        mark = "" if job.priority is Priority.NORMAL else f", {job.priority}"
        kept = ", kept" if job.kept else ""
        cells = (
            *(job.job_id, *((client,) if of_all else ()), shown(job.title)),
            *(shown(f"{job.method} {job.preset}"), f"{standing(job)}{mark}{kept}"),
            ago(job.created),
        )
        table.add_row(*map(escape, cells))
    Console(highlight=False).print(table)
