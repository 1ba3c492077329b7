# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest real Blender on a screen of its own, with the zip installed as a person installs it.

A script inside it tells how it stands by renewing a file; see `startup.py`. The extension there
starts the backend that is under test here.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from window import chroot
from window.screen import HEIGHT, WIDTH, Screen, screen

import build_addon


@dataclass
class Window:
    """A Blender that runs, on its screen."""

    screen: Screen
    process: subprocess.Popen[bytes]
    state_file: Path

    def state(self) -> dict[str, Any]:
        return json.loads(self.state_file.read_text()) if self.state_file.exists() else {}

    def fresh(self) -> dict[str, Any]:
        """The state as it is from now on."""
        now = time.time()
        return self.wait_for(lambda state: state["time"] > now, 30)

    def wait_for(self, holds: Callable[[dict[str, Any]], object], seconds: float) -> dict[str, Any]:
        """The state, once something holds."""
        end = time.monotonic() + seconds
        while not holds(state := self.state()):
            assert self.process.poll() is None, "Blender ended"
            assert time.monotonic() < end, state
            time.sleep(0.2)
        return state

    def open_tab(self, name: str) -> None:
        """Click down the sidebar's edge until the tab shows."""
        x, y, width, height = self.state()["places"]["UI"]
        for at in range(y + 20, y + height, 60):
            self.screen.click(x + width - 10, at)
            self.screen.still()  # a second click on a tab would close the sidebar
            if self.fresh()["tab"] == name:
                return
        raise AssertionError(f"no tab {name}")


@contextmanager
def opened(shared: Path, words: Sequence[str], python_path: Path | None = None) -> Iterator[Window]:
    """Blender, started with some words in a folder that both sides see; ends with the block.

    The backend that it starts finds modules in `python_path` as well.

    The folder receives the zip, Blender's own files, its log, `last.png`, and whatever is named in
    the words: `state.json`, and `backend` for the backend's data.
    """
    extension = shutil.copy(build_addon.build(), shared)
    modules = [] if python_path is None else ["env", f"PYTHONPATH={python_path}"]
    backend = ["chroot", "/host", *modules, sys.executable, "-m", "lightkiln"]
    with screen() as display:
        about = {
            "HOME": str(shared),
            "DISPLAY": display.display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "LIGHTKILN_COMMAND": shlex.join(backend),
        }
        install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "-e"]
        _run(["blender", "--command", "extension", "validate", str(extension)], shared, about)
        _run([*install, str(extension)], shared, about)
        process = _start(words, shared, about)
        try:
            yield Window(display, process, shared / "state.json")
        finally:
            display.picture().save(shared / "last.png")  # what a failed test has to show
            _end(process, shared / "backend" / "server.json")


def _run(words: list[str], shared: Path, about: dict[str, str]) -> None:
    command, environment = chroot.inside(words, shared, **about)
    subprocess.run(command, env=environment, check=True, timeout=120)


def _start(words: Sequence[str], shared: Path, about: dict[str, str]) -> subprocess.Popen[bytes]:
    size = ["-p", "0", "0", str(WIDTH), str(HEIGHT)]
    command, environment = chroot.inside(["blender", *size, *words], shared, **about)
    with (shared / "blender.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _end(process: subprocess.Popen[bytes], runtime: Path) -> None:
    process.kill()
    process.wait()
    if runtime.exists():
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)
