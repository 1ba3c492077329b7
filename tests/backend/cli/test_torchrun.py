# SPDX-License-Identifier: GPL-3.0-or-later
"""Several real processes, one mesh: `reconstruct --devices 2`, and torchrun's own ways to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from synthetic import SyntheticScene

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SMALL = {
    "batch": 64,
    "max_side": 64,
    "resolution": 32,
    "levels": 3,
    "log2_size": 10,
    "samples": 8,
    "start": "ball",
    "points": 0.0,
    "time_budget": 100_000.0,
}
STEPS = 16
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


def command(scene: Path, output: Path, steps: int) -> list[str]:
    words = ["-m", "lightkiln", "reconstruct", str(scene), "-o", str(output), "--report"]
    words += ["--method", "neuralangelo", "--preset", "draft"]
    for name, value in {**SMALL, "steps": steps}.items():
        words += ["--set", f"{name}={value}"]
    return words


def environment(folder: Path) -> dict[str, str]:
    """`folder` becomes the place of all temporary files, so that jobs can be found."""
    return {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def losses(report: Path) -> list[float]:
    return [step["loss"] for step in json.loads(report.read_bytes())["curves"]]


@pytest.mark.timeout(600)
def test_two_processes_learn_what_one_does_and_the_first_writes(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    scene = synthetic_scene.folder
    for name, devices in (("one", "1"), ("two", "2")):
        words = command(scene, tmp_path / f"{name}.ply", STEPS)
        answer = subprocess.run(
            [sys.executable, *words, "--devices", devices],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment(tmp_path),
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stderr.count("Wrote") == 1
    one, two = losses(tmp_path / "one.json"), losses(tmp_path / "two.json")
    assert len(one) == len(two) == STEPS
    assert two[0] == pytest.approx(one[0], rel=1e-4), "the first step is the same in both"
    late = [sum(each[-4:]) / 4 for each in (one, two)]
    assert late[1] == pytest.approx(late[0], rel=0.25)
    assert late[1] < two[0]
    written = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert written == ["one.json", "one.ply", "two.json", "two.ply"]


@pytest.fixture
def learning(synthetic_scene: SyntheticScene, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Two processes that would learn for very long, at it."""
    run = subprocess.Popen(
        [*TORCHRUN, *command(synthetic_scene.folder, tmp_path / "out.ply", 1_000_000)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )
    until(lambda: len(at_work(tmp_path)) == 2, run)
    yield run
    if run.poll() is None:
        run.kill()
    for pid in workers(tmp_path):
        os.kill(pid, signal.SIGKILL)


def at_work(folder: Path) -> list[Path]:
    """The jobs that have come to learning."""
    told = folder.glob("lightkiln-*/job/progress.json")
    return [path for path in told if json.loads(path.read_bytes())["phase"] == "learning"]


def workers(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        if "worker" in words and any(word.startswith(str(folder)) for word in words):
            found.append(int(path.parent.name))
    return found


def until(holds: Callable[[], bool], run: subprocess.Popen[str], seconds: float = 200.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.1)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["one dies", "an interrupt"])
def test_however_it_ends_it_says_so_and_leaves_nothing(
    learning: subprocess.Popen[str], tmp_path: Path, how: str
) -> None:
    if how == "one dies":
        os.kill(workers(tmp_path)[0], signal.SIGKILL)
    else:
        learning.send_signal(signal.SIGINT)
    said = " ".join(learning.communicate(timeout=60)[1].split())
    assert learning.returncode != 0
    if how == "one dies":
        assert "The worker ended without a word (exit code -9)" in said
    else:
        assert "Stopped, without a mesh." in said
    end = time.monotonic() + 20.0
    while workers(tmp_path):
        assert time.monotonic() < end, "a worker outlives its owner"
        time.sleep(0.1)
    assert not (tmp_path / "out.ply").exists()
