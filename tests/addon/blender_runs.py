# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `inside/` in several Blenders beside other tests, and keeps what came of it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import still_life
from addon.environments import python_of

import build_addon

HERE = Path(__file__).parent
TIMEOUT = 1200
AT_A_TIME = 2
BRIEFLY = (
    *("test_align", "test_backends", "test_hostile", "test_job_list", "test_killed"),
    *("test_painter", "test_shapes", "test_solve", "test_text", "test_tracker", "test_visual_hull"),
)
LEFT_OUT = {"4.5.15": BRIEFLY, "5.0.1": BRIEFLY, "5.1.2": BRIEFLY}
"""Blender -> what takes longest and depends least on Blender. The oldest and the newest run all."""

Outcome = subprocess.CompletedProcess[str]


class BlenderRuns:
    """The runs in some Blenders, which begin at once."""

    def __init__(self, blenders: Iterable[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="blenders-", ignore_cleanup_errors=True)
        self._about = self._prepared()
        self._pool = ThreadPoolExecutor(AT_A_TIME)
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False
        self._outcomes: dict[str, Future[Outcome]] = {
            blender: self._pool.submit(self._run, blender) for blender in blenders
        }

    def outcome(self, blender: str) -> Outcome:
        """Wait for its end; raises `Unavailable` if this machine has no such Blender."""
        return self._outcomes[blender].result()

    def end(self) -> None:
        """Stop what still runs, with the backends that were started from there."""
        self._ended = True
        for process in list(self._running):
            process.kill()
        self._pool.shutdown(cancel_futures=True)
        for runtime in Path(self._folder.name).rglob("server.json"):
            os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)
        self._folder.cleanup()

    def _prepared(self) -> dict[str, str]:
        """What all of them are told: the zip, a copy that no other test makes anew, and things to
        look at."""
        folder = Path(self._folder.name)
        backend = ["env", f"PYTHONPATH={HERE / 'methods'}", sys.executable, "-m", "lightkiln"]
        return {
            "LIGHTKILN_ZIP": shutil.copy(build_addon.build(), self._folder.name),
            "LIGHTKILN_COMMAND": shlex.join(backend),
            "LIGHTKILN_METHODS": "paced:SPEC,paced:WORDS,paced:PICTURES",
            "LIGHTKILN_PYTHON": sys.executable,
            "LIGHTKILN_PHOTOGRAPHS": str(photographs_in(folder / "still life")),
            "LIGHTKILN_FILM": str(film_in(folder)),
        }

    def _run(self, blender: str) -> Outcome:
        python = python_of(blender)
        own = Path(self._folder.name) / blender
        own.mkdir()
        command = [python, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
        command += ["--rootdir", HERE / "inside", "--confcutdir", HERE / "inside", HERE / "inside"]
        command += [f"--ignore={HERE / 'inside' / name}.py" for name in LEFT_OUT.get(blender, ())]
        command += ["--basetemp", own / "tests"]
        with subprocess.Popen(
            command,
            env={**os.environ, **self._about, "BLENDER_USER_RESOURCES": str(own)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            self._running.add(process)
            try:
                if self._ended:
                    process.kill()
                out, errors = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                out, errors = process.communicate()
            finally:
                self._running.discard(process)
        return subprocess.CompletedProcess(command, process.returncode, out, errors)


def photographs_in(folder: Path) -> Path:
    """Photographs of the still life, and where they were taken; made here, where numpy has help."""
    cameras = still_life.around(5)
    paths = still_life.write(folder, cameras)
    centres = {path.name: each.centre.tolist() for path, each in zip(paths, cameras, strict=True)}
    (folder / "truth.json").write_text(json.dumps(centres))
    return folder


def film_in(folder: Path) -> Path:
    """A short walk around the still life."""
    things = still_life.StillLife()
    frames = [things.photograph(camera) for camera in still_life.around(10, turn=1.0)]
    path = folder / "walk.mp4"
    size = frames[0].shape[1], frames[0].shape[0]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 15.0, size)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path
