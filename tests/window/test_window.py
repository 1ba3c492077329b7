# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's way through the real Blender's window: install, open the tab, press, see the mesh.

What a person does is done with the mouse and the keyboard; what came of it is read from the file
that `startup.py` renews. With `LIGHTKILN_PICTURES` naming a folder, the sample is photographed in
full and pictures of the screen are kept there.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from addon.environments import Unavailable as NoBlender
from addon.environments import python_of
from window import chroot
from window.screen import HEIGHT, WIDTH, Screen, runs_of, screen

import build_addon

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("LIGHTKILN_PICTURES")
SAMPLE_BLENDER = "4.5.15"
NUM_CAMERAS = 48
BUTTON_HEIGHT = range(25, 45)
"""Pixels; only Reconstruct is so tall."""


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

    def press_reconstruct(self) -> None:
        """Click the middle of the one tall button in the sidebar."""
        x, y, width, height = self.state()["places"]["UI"]
        column = np.asarray(self.screen.still())[y : y + height, x + width // 4]
        tall = [(a, b) for a, b in runs_of(column, BUTTON_HEIGHT.start) if b - a in BUTTON_HEIGHT]
        start, end = max(tall, key=lambda run: int(column[run[0]].sum()))
        self.screen.click(x + width // 2, y + (start + end) / 2)

    def keep(self, name: str) -> None:
        """Keep a picture for the README."""
        if PICTURES:
            self.screen.picture().save(Path(PICTURES) / f"{name}.png", optimize=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's jug, photographed."""
    folder = tmp_path_factory.mktemp("sample")
    quick = [] if PICTURES else ["--size", "200", "--samples", "2"]
    try:
        command = [str(python_of(SAMPLE_BLENDER)), "-m", "demo.make_sample", str(folder), *quick]
    except NoBlender as reason:
        pytest.skip(str(reason))
    subprocess.run(command, cwd=ROOT, check=True, timeout=300, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def window(sample: Path, tmp_path: Path) -> Iterator[Window]:
    """Blender with the installed zip and the sample open."""
    try:
        chroot.prepare()
    except chroot.Unavailable as reason:
        pytest.skip(f"no real window: {reason}")
    shared = tmp_path / "shared"
    shutil.copytree(sample, shared)
    shutil.copy(Path(__file__).with_name("startup.py"), shared)
    extension = shutil.copy(build_addon.build(), shared)
    backend = ["chroot", "/host", sys.executable, "-m", "lightkiln"]
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
        process = _start(shared, about)
        try:
            yield Window(display, process, shared / "state.json")
        finally:
            display.picture().save(tmp_path / "last.png")  # what a failed test has to show
            _end(process, shared / "backend" / "server.json")


def _run(words: list[str], shared: Path, about: dict[str, str]) -> None:
    command, environment = chroot.inside(words, shared, **about)
    subprocess.run(command, env=environment, check=True, timeout=120)


def _start(shared: Path, about: dict[str, str]) -> subprocess.Popen[bytes]:
    size = ["-p", "0", "0", str(WIDTH), str(HEIGHT)]
    names = ["transforms.json", "state.json", "backend"]
    words = ["blender", *size, str(shared / "sample.blend"), "--python", str(shared / "startup.py")]
    words += ["--", *(str(shared / name) for name in names)]
    command, environment = chroot.inside(words, shared, **about)
    with (shared / "blender.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _end(process: subprocess.Popen[bytes], runtime: Path) -> None:
    process.kill()
    process.wait()
    if runtime.exists():
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


@pytest.mark.window
@pytest.mark.timeout(1800)  # installing Blender takes a while, once
def test_a_press_of_reconstruct_ends_in_a_mesh_where_the_cameras_look(window: Window) -> None:
    window.wait_for(lambda state: state.get("places"), 90)
    window.open_tab("Lightkiln")
    window.press_reconstruct()
    window.wait_for(lambda state: state["job"], 10)
    window.wait_for(lambda state: state["job"]["has_picture"], 600)
    window.wait_for(lambda state: state["job"]["step"] > 10 or state["job"]["imported"], 600)
    window.keep("window-running")

    state = window.wait_for(lambda state: state["job"]["imported"] or state["problem"], 600)
    assert state["job"]["state"] == "succeeded", state
    window.screen.still()
    window.keep("window-finished")
    (result,) = window.wait_for(lambda state: state["results"], 10)["results"]
    assert result["type"] == "MESH"
    assert result["triangles"] > 1000
    assert result["colours"] == result["materials"] == 1
    # the jug: 2.1 m wide with its handle, 2.07 m high
    assert np.allclose(result["low"], (-1.21, -0.86, -1.0), atol=0.08)
    assert np.allclose(result["high"], (0.86, 0.86, 1.07), atol=0.08)

    x, y, width, height = state["places"]["WINDOW"]
    window.screen.key("ctrl+z", x + width / 3, y + height / 2)
    undone = window.wait_for(lambda state: not state["results"], 30)
    assert undone["selected"] == NUM_CAMERAS, "one step back is more than the mesh"
    window.screen.key("ctrl+shift+z", x + width / 3, y + height / 2)
    window.wait_for(lambda state: state["results"], 30)
