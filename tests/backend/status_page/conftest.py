# SPDX-License-Identifier: GPL-3.0-or-later
"""A box with a status page, an artist and a job that works long enough to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import paged_server
import pytest
import synthetic
from paged_server import Paged

LONG = {"steps": 100_000, "seconds": 0.01}


@pytest.fixture(scope="session")
def paged(
    synthetic_scene: synthetic.SyntheticScene, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Paged]:
    """One that all tests here share."""
    data = tmp_path_factory.mktemp("paged") / "data"
    running = paged_server.start(data, synthetic_scene.folder, "--web", "--web-port", "0")
    yield running
    running.server.stop()


@pytest.fixture(scope="session")
def job_id(paged: Paged) -> str:
    """A job that goes on for as long as the tests here look at it."""
    return asyncio.run(paged.submit("a quiet still life", **LONG))
