# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile bytes and random messages, round after round with new seeds: `python -m campaigns.fuzz`.

A round is the properties of the wire and of image files, with more of everything than a test has.
The first failure ends the campaign and names the seed that repeats it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

from benchmarks.machine import ROOT
from campaigns.results import asked_for, keep

FRAMES = 1_000_000
"""Changed frames in a round, all states and both sides together."""
EXAMPLES = 200
"""Random instances of each message in a round."""
PROPERTIES = ("tests/shared", "tests/backend/capture/test_images.py")


def main() -> None:
    deadline = asked_for(__doc__.splitlines()[0])
    seeds: list[int] = []
    while not deadline.has_come:
        seeds.append(random.SystemRandom().randrange(2**31))
        about = {
            "LIGHTKILN_FUZZ": str(FRAMES),
            "LIGHTKILN_EXAMPLES": str(EXAMPLES),
            "LIGHTKILN_SEED": str(seeds[-1]),
        }
        words = ["-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seeds[-1]}", "--timeout=0"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *PROPERTIES],
            cwd=ROOT,
            env={**os.environ, **about},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            sys.exit(f"{run.stdout[-4000:]}\nseed {seeds[-1]} fails")
        sys.stdout.write(f"round {len(seeds)}, seed {seeds[-1]}\n")
        sys.stdout.flush()
    rounds = len(seeds)
    keep("P1", rounds=rounds, frames=rounds * FRAMES, seeds=seeds)
    keep("P4", rounds=rounds, examples=rounds * EXAMPLES)


if __name__ == "__main__":
    main()
