# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that all tests of this folder share, and servers that a test may kill."""

from __future__ import annotations

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
def scene(synthetic_scene: synthetic.SyntheticScene) -> Path:
    return synthetic_scene.folder


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """One that a test may kill."""
    running = running_server.start(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.stop()
