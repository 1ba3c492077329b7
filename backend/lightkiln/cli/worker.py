# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln worker FOLDER`: works on one job. It must not know what a job is."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from lightkiln.jobs.worker import work


def worker(
    folder: Annotated[Path, typer.Argument(help="The job's folder.")],
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    owned: Annotated[
        bool, typer.Option("--owned", help="Save and end when the standard input ends.")
    ] = False,
) -> None:
    """Work on a job's folder until its run ends; engines call this, people rarely."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    sys.exit(work(folder, device, owned))
