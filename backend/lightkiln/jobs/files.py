# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of scenes, kept once each under the SHA-256 of their content, apart for each client.

Who knows a file's hash does not have the file: so nothing that one client has sent serves, shows or
spoils what another one asks for. `files/` is the backend's owner's, `files/<client>/` a client's.
`<sha256>` is whole and verified; `<sha256>.part` is the beginning of one, to which an
upload that was cut is added later. A file that no job's folder links to any more can go.
It must not know jobs or the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from lightkiln_shared.errors import InvalidScene, MalformedMessage, ResourceError
from lightkiln_shared.messages import SHA256, FileOffer, FileWanted

from . import atomic

PARTS_KEPT = 7 * 24 * 3600.0
"""Seconds after which the beginning of a file is given up."""
CHUNK = 1024 * 1024


class FileStores:
    """One store for each client."""

    def __init__(self, folder: Path, min_free: int) -> None:
        """`min_free` bytes of the disk are never used."""
        self._folder, self._min_free = folder, min_free
        self._stores = {"": FileStore(folder, min_free)}
        for path in folder.iterdir():
            if path.is_dir():
                self.of(path.name)

    def of(self, owner: str) -> FileStore:
        """A client's store, by the id that this server gave it; empty: the backend's owner's."""
        if owner not in self._stores:
            self._stores[owner] = FileStore(self._folder / owner, self._min_free)
        return self._stores[owner]

    def owners(self) -> tuple[str, ...]:
        """The clients that have a store."""
        return tuple(self._stores)

    def remove(self, owner: str) -> None:
        """Remove the store of a client that has gone."""
        if self._stores.pop(owner, None) is not None and owner:
            shutil.rmtree(self._folder / owner, ignore_errors=True)

    def forget(self, linked: Path) -> None:
        """Remove the copy of a job's file from whichever store has it, if no other job does."""
        for store in self._stores.values():
            store.forget(linked)


class FileStore:
    """Where the bytes of one client's scenes rest."""

    def __init__(self, folder: Path, min_free: int) -> None:
        """`min_free` bytes of the disk are never used."""
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._min_free = min_free
        self._receiving: set[str] = set()
        for part in folder.glob("*.part"):
            if part.stat().st_mtime < time.time() - PARTS_KEPT:
                part.unlink()

    def path(self, sha256: str) -> Path:
        """The file of that content; `InvalidScene` if it is not here."""
        path = self.folder / checked_name(sha256)
        if not _is_plain(path):
            raise InvalidScene(
                f"A file of the scene is not on the backend: {sha256[:12]}.",
                hint="Send the scene again.",
            )
        return path

    def missing(self, offers: tuple[FileOffer, ...]) -> tuple[FileWanted, ...]:
        """Of the offered files those that are not here, and how much of each is."""
        wanted = {offer.sha256: offer for offer in offers if not self._has(offer)}
        for offer in offers:
            if offer.sha256 not in wanted:
                (self.folder / offer.sha256).touch()  # a job with it is about to come
        self.check_space(sum(offer.size for offer in wanted.values()))
        return tuple(FileWanted(sha256=name, offset=self._begun(name)) for name in wanted)

    def check_space(self, size: int) -> None:
        """`ResourceError` unless `size` more bytes fit on the disk."""
        free = shutil.disk_usage(self.folder).free - self._min_free
        if size > free:
            raise ResourceError(
                f"The backend's disk is too full: {size / 1e6:.0f} MB are needed and "
                f"{max(free, 0) / 1e6:.0f} MB may be used.",
                hint="Delete old jobs, or free space on that disk.",
            )

    async def receive(self, wanted: FileOffer, offset: int, chunks: AsyncIterator[bytes]) -> None:
        """Add the chunks to the file's beginning, and keep it if size and hash are right."""
        name = checked_name(wanted.sha256)
        async with self._only_receiver(name):
            if self._has(wanted):
                return
            upload = await asyncio.to_thread(_Upload, self._part(name), offset)
            try:
                async for chunk in chunks:
                    self.check_space(len(chunk))
                    await asyncio.to_thread(upload.add, chunk)
                await asyncio.to_thread(upload.finish, wanted, self.folder / name)
            finally:
                upload.close()

    def drop_unused(self, age: float) -> None:
        """Remove the files that no job has and that nobody has offered for `age` seconds."""
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # it has gone meanwhile
                found = path.stat()
                is_old = found.st_mtime < time.time() - age
                if is_old and found.st_nlink == 1 and path.is_file():
                    path.unlink()

    def forget(self, linked: Path) -> None:
        """Remove the store's copy of a job's file if no other job has it."""
        kept = self.folder / linked.name
        ours_and_the_jobs = 2
        if kept.is_file() and kept.samefile(linked) and kept.stat().st_nlink == ours_and_the_jobs:
            kept.unlink()

    def _has(self, offer: FileOffer) -> bool:
        path = self.folder / checked_name(offer.sha256)
        return _is_plain(path) and path.stat().st_size == offer.size

    def _part(self, name: str) -> Path:
        return self.folder / f"{name}.part"

    def _begun(self, name: str) -> int:
        part = self._part(name)
        return part.stat().st_size if _is_plain(part) else 0

    @asynccontextmanager
    async def _only_receiver(self, name: str) -> AsyncIterator[None]:
        if name in self._receiving:
            raise InvalidScene(
                "Another client is sending the same file just now.", hint="Try again in a moment."
            )
        self._receiving.add(name)
        try:
            yield
        finally:
            self._receiving.discard(name)


class _Upload:
    """A file being received: appended, and hashed on the way."""

    def __init__(self, part: Path, offset: int) -> None:
        self._part = part
        self._hash = hashlib.sha256()
        if part.is_symlink():  # planted: what it points to is not ours
            part.unlink()
        self._file: IO[bytes] = part.open("ab")
        if self._file.tell() != offset:
            self._file.close()
            raise InvalidScene(
                "The upload goes on at another place than it ended.", hint="Send the file again."
            )
        with part.open("rb") as begun:
            while chunk := begun.read(CHUNK):
                self._hash.update(chunk)

    def add(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)

    def finish(self, wanted: FileOffer, target: Path) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        right = (self._file.tell(), self._hash.hexdigest()) == (wanted.size, wanted.sha256)
        self.close()
        if not right:
            self._part.unlink()
            raise InvalidScene(
                "A file of the scene has changed on its way.",
                hint="Send the scene again.",
            )
        atomic.replace(self._part, target)
        atomic.sync_folder(target.parent)

    def close(self) -> None:
        self._file.close()


def _is_plain(path: Path) -> bool:
    """True for a file itself: a link that somebody has planted leads elsewhere."""
    return path.is_file() and not path.is_symlink()


def checked_name(sha256: str) -> str:
    """Return a SHA-256 from outside once it is seen to be one: it becomes a file name."""
    if not SHA256.fullmatch(sha256):
        raise MalformedMessage("a file's name must be 64 lower-case hexadecimal digits")
    return sha256
