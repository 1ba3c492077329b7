# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's way through the real Blender's window: install, open the tab, press, see the mesh.

What a person does is done with the mouse and the keyboard; what came of it is read from the file
that `startup.py` renews. With `LIGHTKILN_PICTURES` naming a folder, the sample is photographed in
full and pictures of the screen are kept there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from addon.environments import Unavailable as NoBlender
from addon.environments import python_of
from window import blender, chroot
from window.blender import Window
from window.screen import runs_of

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("LIGHTKILN_PICTURES")
SAMPLE_BLENDER = "4.5.15"
NUM_CAMERAS = 48 if PICTURES else 24
BUTTON_HEIGHT = range(25, 45)
"""Pixels; only Reconstruct is so tall."""


def _press_reconstruct(window: Window) -> None:
    """Click the middle of the one tall button in the sidebar."""
    x, y, width, height = window.state()["places"]["UI"]
    column = np.asarray(window.screen.still())[y : y + height, x + width // 4]
    tall = [(a, b) for a, b in runs_of(column, BUTTON_HEIGHT.start) if b - a in BUTTON_HEIGHT]
    start, end = max(tall, key=lambda run: int(column[run[0]].sum()))
    window.screen.click(x + width // 2, y + (start + end) / 2)


def _keep(window: Window, name: str) -> None:
    """Keep a picture for the README."""
    if PICTURES:
        window.screen.picture().save(Path(PICTURES) / f"{name}.png", optimize=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's jug, photographed."""
    folder = tmp_path_factory.mktemp("sample")
    quick = ["--views", str(NUM_CAMERAS)]
    quick += [] if PICTURES else ["--size", "200", "--samples", "2"]
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
    names = ["transforms.json", "state.json", "backend"]
    words = [str(shared / "sample.blend"), "--python", str(shared / "startup.py"), "--"]
    with blender.opened(shared, [*words, *(str(shared / name) for name in names)]) as window:
        yield window


@pytest.mark.window
@pytest.mark.timeout(1800)  # installing Blender takes a while, once
def test_a_press_of_reconstruct_ends_in_a_mesh_where_the_cameras_look(window: Window) -> None:
    window.wait_for(lambda state: state.get("places"), 90)
    window.open_tab("Lightkiln")
    _press_reconstruct(window)
    window.wait_for(lambda state: state["job"], 10)
    window.wait_for(lambda state: state["job"]["has_picture"], 600)
    window.wait_for(lambda state: state["job"]["step"] > 10 or state["job"]["imported"], 600)
    _keep(window, "window-running")

    state = window.wait_for(lambda state: state["job"]["imported"] or state["problem"], 600)
    assert state["job"]["state"] == "succeeded", state
    window.screen.still()
    _keep(window, "window-finished")
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
