# SPDX-License-Identifier: GPL-3.0-or-later
"""Files arrive whole or not at all, and an upload goes on where it was cut."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lightkiln.jobs.files import FileStore
from lightkiln_shared.errors import BackendLost, InvalidScene, LightkilnError, ResourceError
from lightkiln_shared.messages import FileOffer, FileWanted

DATA = bytes(range(256)) * 100
OFFER = FileOffer(sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA))
HOSTILE_NAMES = [
    "",
    "a",
    "A" * 64,
    "../" + "0" * 61,
    "0" * 63 + "/",
    "0" * 64 + "\n",
    "/etc/passwd",
]


async def chunks(data: bytes, cut_at: int | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        if cut_at is not None and at >= cut_at:
            raise BackendLost("cut")
        yield data[at : at + 1000]


def receive(store: FileStore, data: bytes, offset: int = 0, cut_at: int | None = None) -> None:
    asyncio.run(store.receive(OFFER, offset, chunks(data, cut_at)))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", min_free=0)


def test_a_file_is_found_once_it_is_whole(store: FileStore) -> None:
    assert store.missing((OFFER,)) == (FileWanted(sha256=OFFER.sha256, offset=0),)
    receive(store, DATA)
    assert store.missing((OFFER, OFFER)) == ()
    assert store.path(OFFER.sha256).read_bytes() == DATA


@pytest.mark.parametrize("cut_at", [0, 1000, 13_000, 25_000])
def test_an_upload_goes_on_where_it_was_cut(store: FileStore, cut_at: int) -> None:
    with pytest.raises(BackendLost):
        receive(store, DATA, cut_at=cut_at)
    (wanted,) = store.missing((OFFER,))
    assert wanted.offset == cut_at
    receive(store, DATA[wanted.offset :], wanted.offset)
    assert store.path(OFFER.sha256).read_bytes() == DATA


def test_a_changed_file_is_refused_and_can_be_sent_again(store: FileStore) -> None:
    with pytest.raises(InvalidScene, match="changed on its way"):
        receive(store, DATA[:-1] + b"x")
    assert store.missing((OFFER,)) == (FileWanted(sha256=OFFER.sha256, offset=0),)
    receive(store, DATA)


def test_an_upload_at_another_place_than_it_ended_is_refused(store: FileStore) -> None:
    with pytest.raises(InvalidScene, match="another place"):
        receive(store, DATA[10:], offset=10)


def test_two_clients_do_not_write_into_each_other(store: FileStore) -> None:
    async def both() -> list[BaseException | None]:
        uploads = [store.receive(OFFER, 0, chunks(DATA)) for _ in range(2)]
        return await asyncio.gather(*uploads, return_exceptions=True)

    refused = [error for error in asyncio.run(both()) if error is not None]
    assert [type(error) for error in refused] == [InvalidScene]
    assert store.path(OFFER.sha256).read_bytes() == DATA


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_is_no_hash_touches_no_file(store: FileStore, name: str) -> None:
    with pytest.raises(LightkilnError, match="hexadecimal"):
        store.path(name)
    with pytest.raises(LightkilnError, match="hexadecimal"):
        store.missing((FileOffer(sha256=name, size=1),))


def test_a_full_disk_is_said_before_and_during_an_upload(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 0, len(DATA) - 1))
    with pytest.raises(ResourceError, match="too full"):
        store.missing((OFFER,))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 0, 500))
    with pytest.raises(ResourceError, match="too full"):
        receive(store, DATA)
    monkeypatch.undo()
    (wanted,) = store.missing((OFFER,))
    receive(store, DATA[wanted.offset :], wanted.offset)


def test_a_file_goes_with_the_last_job_that_has_it(store: FileStore, tmp_path: Path) -> None:
    receive(store, DATA)
    kept = store.path(OFFER.sha256)
    links = []
    for job in ("a", "b"):
        (tmp_path / job).mkdir()
        links.append(tmp_path / job / OFFER.sha256)
        links[-1].hardlink_to(kept)
    store.forget(links[0])
    links[0].unlink()
    assert kept.exists()
    store.forget(links[1])
    assert not kept.exists()
    assert links[1].read_bytes() == DATA
