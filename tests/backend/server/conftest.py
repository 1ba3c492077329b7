# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that all tests of this folder share, and servers that a test may kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import running_server
import synthetic
from running_server import RunningServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = running_server.start(tmp_path_factory.mktemp("server") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def scene(
    synthetic_scene: synthetic.SyntheticScene, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A part of the scene: what is tried here is the way, not the picture."""
    folder = tmp_path_factory.mktemp("scenes") / "four_views"
    shutil.copytree(synthetic_scene.folder, folder)
    path = folder / "transforms.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "frames": document["frames"][::4]}))
    return folder


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """One that a test may kill."""
    running = running_server.start(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.stop()
