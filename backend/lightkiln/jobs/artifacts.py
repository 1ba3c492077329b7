# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run's files become a job's artifacts, and the report that is one of them.

It must not know what the run made.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.jobs import Artifact

from . import atomic
from .folder import JobFolder, JobSpec
from .journal import Journal
from .run import JobRun

REPORT = "report.json"
MAX_CURVE_POINTS = 2000
"""More points than a picture of the curve has pixels would only make the report large."""


def keep(path: Path, journal: Journal) -> None:
    """Make a written file outlast a loss of power, and tell of it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    atomic.sync_file(path)
    atomic.sync_folder(path.parent)
    journal.add_artifact(Artifact(name=path.name, size=path.stat().st_size, sha256=digest))


def write_report(folder: JobFolder, job: JobSpec, run: JobRun, about: dict[str, Any]) -> None:
    """Write what every report says, and what `about` says of this kind of run."""
    report = {
        "job": job.job_id,
        "title": job.title,
        "method": job.method,
        "preset": job.preset,
        "seed": job.seed,
        "device": run.device,
        "versions": {
            "lightkiln": version("lightkiln"),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "system": platform.platform(),
        "seconds": {"total": run.elapsed(), "phases": run.seconds_of},
        "warnings": run.warnings,
        "notes": run.notes,
        **about,
        "curves": run.curves[:: max(1, math.ceil(len(run.curves) / MAX_CURVE_POINTS))],
    }
    text = json.dumps(report, indent=1, allow_nan=False)
    atomic.write(folder.artifacts / REPORT, text.encode())
