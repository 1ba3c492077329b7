# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole files over a connection: a scene and its images out, a mesh back. No bpy.

Files are named by their content: what the backend already has is not sent, and what was cut off
goes on where it ended. It must not know threads or Blender.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from .connection import Connection
from .shared.errors import LimitExceeded, MalformedMessage, NothingReconstructed
from .shared.messages import FileOffer, FileWanted, ListArtifacts, OfferFiles, ReadArtifact, Reply
from .shared.session import MAX_BULK

Source = Path | bytes
OnSent = Callable[[int, int], None]
"""Called with the bytes sent so far and the bytes to send in all."""

CheckSize = Callable[[bytes, int], None]
"""Called with the beginning of a file and its announced size; raises what is wrong."""

BEGINNING = 4096
MAX_OFFER = 500
MAX_UNANSWERED = 4
"""Files sent but perhaps not yet on the backend's disk, which takes its time beside the sending."""
MAX_ARTIFACT = 1024**3


async def send_files(connection: Connection, files: Mapping[str, Source], on_sent: OnSent) -> None:
    """Make sure that the backend has all files, given by their SHA-256."""
    sizes = {sha256: _size(source) for sha256, source in files.items()}
    wanted = await _missing(connection, sizes)
    total = sum(sizes[want.sha256] - want.offset for want in wanted)
    sent = 0
    on_their_way: deque[asyncio.Future[Reply]] = deque()
    for want in wanted:
        on_sent(sent, total)
        size = sizes[want.sha256]
        with _opened(files[want.sha256]) as source:
            sending = connection.send_file(want.sha256, size, want.offset, source)
            on_their_way.append(await sending)
        sent += size - want.offset
        if len(on_their_way) == MAX_UNANSWERED:
            await connection.answer(on_their_way.popleft())
    for answer in on_their_way:
        await connection.answer(answer)
    on_sent(total, total)


async def fetch_artifact(
    connection: Connection, job_id: str, name: str, check_size: CheckSize | None = None
) -> bytes:
    """A file that the job left, whole and with the right hash.

    `check_size` is given its beginning before the rest is taken, and its announced size.
    """
    data = bytearray()
    is_checked = check_size is None
    async for chunk, size in _artifact(connection, job_id, name, MAX_ARTIFACT):
        data += chunk
        if check_size is not None and not is_checked and len(data) >= min(BEGINNING, size):
            check_size(bytes(data[:BEGINNING]), size)
            is_checked = True
    return bytes(data)


async def fetch_file(connection: Connection, job_id: str, name: str, path: Path) -> None:
    """The same into a file, for what may not fit into memory; if it fails, some of it is there."""
    with path.open("wb") as file:
        async for chunk, _ in _artifact(connection, job_id, name, MAX_BULK):
            file.write(chunk)


async def _artifact(
    connection: Connection, job_id: str, name: str, most: int
) -> AsyncIterator[tuple[bytes, int]]:
    """Its bytes as they come, and its size; what they are worth is known with the last of them."""
    listing = await connection.request(ListArtifacts(job_id=job_id))
    by_name = {artifact.name: artifact for artifact in listing.artifacts}
    if name not in by_name:
        raise NothingReconstructed(
            f"The job has left no {name}.", hint="Retry the job, or look into its warnings."
        )
    artifact = by_name[name]
    if not 0 < artifact.size <= most:
        raise LimitExceeded(f"The result is {artifact.size} bytes; at most {most} fit.")
    reply = await connection.request(ReadArtifact(job_id=job_id, name=name))
    if reply.bulk.size != artifact.size:
        raise MalformedMessage(f"{name}: {reply.bulk.size} bytes were announced, not its size")
    digest = hashlib.sha256()
    async for chunk in connection.receive(reply):
        digest.update(chunk)
        yield chunk, artifact.size
    if digest.hexdigest() != artifact.sha256:
        raise MalformedMessage(f"{name} arrived damaged")


async def _missing(connection: Connection, sizes: Mapping[str, int]) -> list[FileWanted]:
    offers = [FileOffer(sha256=sha256, size=size) for sha256, size in sizes.items()]
    wanted: list[FileWanted] = []
    for start in range(0, len(offers), MAX_OFFER):
        some = tuple(offers[start : start + MAX_OFFER])
        wanted += (await connection.request(OfferFiles(files=some))).files
    for want in wanted:
        if not 0 <= want.offset <= sizes.get(want.sha256, -1):
            raise MalformedMessage("the backend wants a file that it was not offered")
    return wanted


def _size(source: Source) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _opened(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
