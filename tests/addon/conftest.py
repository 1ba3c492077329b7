# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in `inside/` run in other Pythons: `blender_runs.py` starts them, beside all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from addon.blender_runs import BlenderRuns

collect_ignore = ["inside", "methods"]
RUNS = pytest.StashKey[BlenderRuns]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever waits for a Blender stands last."""
    items.sort(key=_is_waiting)


def pytest_collection_finish(session: pytest.Session) -> None:
    waiting = [item for item in session.items if _is_waiting(item)]
    if waiting and not session.config.option.collectonly:
        blenders = [item.callspec.params["blender"] for item in waiting]  # type: ignore[attr-defined]
        session.stash[RUNS] = BlenderRuns(blenders)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if RUNS in session.stash:
        session.stash[RUNS].end()


@pytest.fixture(scope="session")
def blender_runs(request: pytest.FixtureRequest) -> Iterator[BlenderRuns]:
    yield request.session.stash[RUNS]


def _is_waiting(item: pytest.Item) -> bool:
    return item.get_closest_marker("blender") is not None
