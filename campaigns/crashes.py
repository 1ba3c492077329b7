# SPDX-License-Identifier: GPL-3.0-or-later
"""A server and a worker die at each place at which they do something to a file, and at random.

    python -m campaigns.crashes [serve] [worker]

The places are found by a first visit in which nothing dies; see `tests/fail_points`. Each then gets
a visit of its own, in which the process is killed there: at the first time or at a random one.
"""

from __future__ import annotations

import random
import sys
import tempfile
import traceback
from pathlib import Path

from crash_points import Visit, places

from campaigns import stage
from campaigns.results import expect, keep

MAX_START = 5.0
ROWS = {"serve": "C1", "worker": "C2"}
DEATHS = {"serve": 6, "worker": 2}
"""In one visit. A job of which three workers die has failed."""


def _visits(role: str, folder: Path, scene: Path, rng: random.Random) -> list[Visit]:
    """Every place is in one of them."""
    found = places(folder / role / "data", scene, role)
    chosen = {place: rng.choice((1, rng.randint(1, count))) for place, count in found.items()}
    names, size = sorted(chosen), DEATHS[role]
    rng.shuffle(names)
    groups = [names[at : at + size] for at in range(0, len(names), size)]
    return [
        Visit(
            folder / f"{role}-{index}" / "data",
            scene,
            {"role": role, "places": {name: chosen[name] for name in group}},
        )
        for index, group in enumerate(groups)
    ]


def main() -> None:
    seed = random.SystemRandom().randrange(2**31)
    rng = random.Random(seed)
    sys.stdout.write(f"seed {seed}\n")
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        scene = stage.small_scene(folder)
        for role in sys.argv[1:] or ROWS:
            visits = _visits(role, folder, scene, rng)
            failed = [visit.fail for visit in visits if not _survived(visit)]
            expect(not failed, f"seed {seed}: {failed}")
            died = sum(len(list(visit.marks.iterdir())) for visit in visits)
            slowest = max(visit.slowest_start for visit in visits)
            num_places = sum(len(visit.fail["places"]) for visit in visits)
            figures = {"places": num_places, "died": died, "slowest_start_s": round(slowest, 1)}
            keep(ROWS[role], seed=seed, **figures)


def _survived(visit: Visit) -> bool:
    try:
        visit.run()
    except Exception:  # noqa: BLE001 the campaign goes on, and fails in the end
        sys.stdout.write(f"{visit.fail}\n{traceback.format_exc()}\n")
        return False
    sys.stdout.write(f"{visit.fail['places']}: whole\n")
    sys.stdout.flush()
    return True


if __name__ == "__main__":
    main()
