# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of a job beside a model, a thousand times 50 steps: `python -m campaigns.histories`.

The first that goes another way ends the campaign, made as short as it can be.
"""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.machine import ROOT
from campaigns.results import asked_seed, keep

HISTORIES = 1000
TEST = "tests/backend/jobs/test_histories.py"


def main() -> None:
    _, seed = asked_seed(__doc__.splitlines()[0])
    words = ["-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", "--timeout=0", TEST]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**os.environ, "LIGHTKILN_HISTORIES": str(HISTORIES)},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        sys.exit(f"{run.stdout[-4000:]}\nseed {seed} fails")
    keep("P5", seed=seed, histories=HISTORIES)


if __name__ == "__main__":
    main()
