# SPDX-License-Identifier: GPL-3.0-or-later
"""One pipeline of each family, written once; and no way out of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by the names of `tiny_pipelines.KINDS`."""
    import tiny_pipelines  # noqa: PLC0415 it loads what few tests need

    folder = tmp_path_factory.mktemp("pipelines")
    return {kind: tiny_pipelines.write(kind, folder / kind) for kind in tiny_pipelines.KINDS}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever asks for a connection or an address fails, and so does the test."""
    asked = list[str]()

    def refused(*told: Any, **_: Any) -> Any:
        asked.append(str(told))
        raise OSError("there is no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    yield
    assert not asked
