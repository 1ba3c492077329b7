# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln follow JOB`: a job on a backend, watched until it is over.

It must not know the protocol.
"""

from __future__ import annotations

import typer

from .line import Data, Job, chosen
from .remote_job import check_succeeded
from .remote_job import follow as follow_job
from .telling import Json, telling


def follow(context: typer.Context, job: Job, data: Data = None, as_json: Json = False) -> None:
    """Watch a job until it is over; Ctrl-C stops watching, and the job goes on."""
    line = chosen(context, data)
    with telling(as_json=as_json) as told:
        check_succeeded(follow_job(line, line.job_id(job), told, is_ours=False))
