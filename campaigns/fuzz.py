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

MUTATIONS = 100_000
"""Sequences of frames, changed at random, in a round."""
PROPERTIES = ("tests/shared", "tests/backend/capture/test_images.py")


def main() -> None:
    deadline = asked_for(__doc__.splitlines()[0])
    rounds = 0
    while not deadline.has_come:
        seed = random.SystemRandom().randrange(2**31)
        about = {"LIGHTKILN_FUZZ": str(MUTATIONS), "LIGHTKILN_SEED": str(seed)}
        words = ["-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", "--timeout=0"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *PROPERTIES],
            cwd=ROOT,
            env={**os.environ, **about},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            sys.exit(f"{run.stdout[-4000:]}\nseed {seed} fails")
        rounds += 1
    keep("fuzz", deadline, rounds=rounds, mutations=rounds * MUTATIONS)


if __name__ == "__main__":
    main()
