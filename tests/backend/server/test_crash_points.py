# SPDX-License-Identifier: GPL-3.0-or-later
"""A server and a worker die at places drawn by lot, of all at which they touch a file.

All places are the campaign's: `python -m campaigns.crashes`.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from crash_points import Visit

PLACES = {
    "serve": (
        "store.add sql INSERT",
        "database.transaction sql BEGIN",
        "database.transaction sql COMMIT",
        "files.finish fsync",
        "files.finish rename",
        "folder._fill rename",
        "folder.create rename",
        "folder.write_control rename",
        "local.start open",
        "store.delete sql DELETE",
    ),
    "worker": (
        "artifacts.keep fsync",
        "checkpoints.save open",
        "checkpoints.save fsync",
        "checkpoints.save rename",
        "export.save_mesh open",
        "folder.write_progress rename",
        "journal._write fsync",
    ),
}
"""The ones of which most hangs. One that is renamed kills nobody, and the test says so."""
DEATHS = {"serve": 3, "worker": 2}


@pytest.mark.parametrize("role", PLACES)
def test_nothing_is_lost_doubled_or_damaged(role: str, scene: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("LIGHTKILN_SEED", time.time_ns()))
    places = random.Random(seed).sample(PLACES[role], DEATHS[role])
    visit = Visit(tmp_path / "data", scene, {"role": role, "places": dict.fromkeys(places, 1)})
    try:
        visit.run()
    except Exception as error:
        raise AssertionError(f"LIGHTKILN_SEED={seed}: {places}") from error
    assert {mark.name for mark in visit.marks.iterdir()} == set(places), f"LIGHTKILN_SEED={seed}"
