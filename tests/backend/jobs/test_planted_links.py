# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that somebody has planted where files are kept: nothing is read or written through them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lightkiln.jobs import atomic, checkpoints
from lightkiln.jobs.files import FileStore
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.messages import FileOffer, FileWanted

DATA = b"what a client sends"
SECRET = b"what nobody may see"
OFFER = FileOffer(sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file that must be as it was in the end."""
    path = tmp_path / "elsewhere"
    path.write_bytes(SECRET)
    return path


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", min_free=0)


def send(store: FileStore, data: bytes, offset: int = 0) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield data[offset:]

    asyncio.run(store.receive(OFFER, offset, chunks()))


@pytest.mark.parametrize("name", [OFFER.sha256, f"{OFFER.sha256}.part"])
def test_an_upload_does_not_follow_a_link(
    store: FileStore, elsewhere: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "files" / name).symlink_to(elsewhere)
    assert store.missing((OFFER,)) == (FileWanted(sha256=OFFER.sha256, offset=0),)
    with pytest.raises(InvalidScene, match="not on the backend"):
        store.path(OFFER.sha256)
    send(store, DATA)
    assert store.path(OFFER.sha256).read_bytes() == DATA
    assert elsewhere.read_bytes() == SECRET


def test_what_is_replaced_is_not_written_through_a_link(elsewhere: Path, tmp_path: Path) -> None:
    target = tmp_path / "job.json"
    for planted in (target, tmp_path / ".new.job.json"):
        planted.symlink_to(elsewhere)
        atomic.write(target, DATA)
        assert target.read_bytes() == DATA
        assert not target.is_symlink()
        assert elsewhere.read_bytes() == SECRET
        target.unlink()


def test_a_saved_state_behind_a_link_is_one_that_has_its_hash(
    elsewhere: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "00000001.npz").symlink_to(elsewhere)
    (folder / "00000001.json").write_text('{"sha256": "0", "elapsed": 0.0}')
    assert checkpoints.load(folder) is None
