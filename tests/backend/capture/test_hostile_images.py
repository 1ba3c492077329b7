# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty hostile image files: each ends in a sentence that names it, soon and within 2 GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hostile_images
from running_server import environment

DECODED = ("bomb.png", "deep_bomb.png")
"""Of a size that is allowed: they are known once their pixels are read."""
MAX_SECONDS, MAX_DECODING = 1.0, 5.0


def test_each_is_refused_by_name_within_a_second_and_little_memory(tmp_path: Path) -> None:
    files = hostile_images.files()
    assert len(files) >= 30
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    run = subprocess.run(
        [sys.executable, hostile_images.__file__, str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    answer = json.loads(run.stdout)
    for name in files:
        sentence, seconds = answer["said"][name]
        assert name in sentence
        assert seconds < (MAX_DECODING if name in DECODED else MAX_SECONDS), name
    assert answer["peak_mb"] < 2048
