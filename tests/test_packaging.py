# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed to systemd and to builders of containers is right by their own tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parent.parent / "packaging"
COMMAND = Path(sys.executable).parent / "lightkiln"
UNITS = {"lightkiln.service": (), "lightkiln-user.service": ("--user",)}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line_of_a_unit(tmp_path: Path, name: str) -> None:
    text = (PACKAGING / name).read_text()
    unit = tmp_path / name
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={COMMAND}", text))
    said = subprocess.run(
        ["systemd-analyze", *UNITS[name], "verify", str(unit)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        check=False,
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_what_is_started_there_can_be_typed() -> None:
    dockerfile = (PACKAGING / "Dockerfile").read_text()
    starts = [re.findall(r"^ExecStart=\S+ (.*)$", (PACKAGING / n).read_text(), re.M) for n in UNITS]
    lists = [json.loads(each) for each in re.findall(r"CMD (\[.*\])$", dockerfile, re.M)]
    typed = [start.split() for found in starts for start in found]
    typed += [[word for word in each if word != "lightkiln"] for each in lists]
    assert sorted(words[0] for words in typed) == ["clients", "serve", "serve", "serve"]
    for words in typed:
        help_of = [COMMAND, *words, "--help"]
        assert subprocess.run(help_of, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint here")
def test_the_dockerfile_has_nothing_to_find_fault_with() -> None:
    said = subprocess.run(
        ["hadolint", str(PACKAGING / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "")
