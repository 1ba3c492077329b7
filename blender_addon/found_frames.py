# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that a job has rendered along a camera's way, fetched as files. No bpy.

    frames.zip    0001.png, 0002.png, ...: sRGB, straight alpha, stored without compression

The archive is read record by record (APPNOTE.TXT, 4.3.7) and not through its directory, in one
pass: whatever is not exactly what the backend writes is refused, no more is written than has come,
and no name from elsewhere becomes part of a path.
It must not know cameras.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .connection import Connection
from .image_files import MAX_PIXELS, MAX_SIDE
from .shared.checks import MAX_FRAMES
from .shared.errors import MalformedMessage, ResourceError
from .transfers import fetch_file

ARCHIVE = "frames.zip"
MAX_BYTES = 4 * MAX_PIXELS + 2**20
"""Of one picture: its pixels as they are, and what is around them."""
_RECORD = struct.Struct("<4sHHHHHLLLHH")
"""Signature, version, flags, method, time, date, checksum, packed, size, the name's and the extra
field's length."""
_PICTURE, _DIRECTORY, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_ASCII_OR_UTF8 = (0, 0x800)
_PNG = struct.Struct(">8s4x4sIIBB")
"""Signature, `IHDR`, width, height, bits, kind of colour: how every PNG file begins."""


@dataclass(frozen=True, slots=True)
class FoundFrames:
    """Pictures in a folder: `0001.png` is of the first frame."""

    folder: Path
    num: int
    """How many were rendered."""
    step: int
    """Frames that each of them stands for; as many files are alike."""

    @property
    def first(self) -> Path:
        return self.folder / _name(0)


async def fetch(connection: Connection, job_id: str, folder: Path, step: int) -> FoundFrames:
    """Fetch a job's pictures into a folder; raises `MalformedMessage` or `ResourceError`."""
    archive = folder / ARCHIVE
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            await fetch_file(connection, job_id, ARCHIVE, archive)
            num = await asyncio.to_thread(unpack, archive, folder, step)
        finally:
            await asyncio.to_thread(archive.unlink, missing_ok=True)
    except OSError as error:
        raise ResourceError(
            f"The frames cannot be written into {folder}: {error.strerror}.",
            hint="Free some space or save the file elsewhere, then press Import Again.",
        ) from None
    return FoundFrames(folder, num, step)


def unpack(archive: Path, folder: Path, step: int) -> int:
    """Write the pictures, each once for every frame that it stands for; returns their number."""
    num, size = 0, None
    with archive.open("rb") as file:
        while (header := file.read(_RECORD.size))[:4] == _PICTURE:
            picture = _picture(file, header, num)
            if num == MAX_FRAMES or size not in (None, _size(picture)):
                raise _wrong(num)
            size = _size(picture)
            first = folder / _name(num * step)
            first.write_bytes(picture)
            for more in range(1, step):
                shutil.copyfile(first, folder / _name(num * step + more))
            num += 1
    if header[:4] not in (_DIRECTORY, _END):
        raise _wrong(num)
    return num


def _picture(file: BinaryIO, header: bytes, index: int) -> bytes:
    """The bytes of a record's file, a PNG of 8 bits with alpha."""
    if len(header) < _RECORD.size:
        raise _wrong(index)
    _, _, flags, method, _, _, _, packed, size, name_length, extra = _RECORD.unpack(header)
    name = file.read(name_length)
    is_plain = flags in _ASCII_OR_UTF8 and (method, extra, packed) == (0, 0, size)
    if not is_plain or name != f"{index + 1:04}.png".encode() or size > MAX_BYTES:
        raise _wrong(index)
    data = file.read(size)
    if len(data) != size or size < _PNG.size:
        raise _wrong(index)
    signature, kind, width, height, *pixel = _PNG.unpack_from(data)
    is_png = (signature, kind, pixel) == (b"\x89PNG\r\n\x1a\n", b"IHDR", [8, 6])
    fits = 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS
    if not (is_png and fits):
        raise _wrong(index)
    return data


def _size(picture: bytes) -> tuple[int, int]:
    _, _, width, height, _, _ = _PNG.unpack_from(picture)
    return width, height


def _name(index: int) -> str:
    return f"{index + 1:04}.png"


def _wrong(index: int) -> MalformedMessage:
    return MalformedMessage(
        f"Frame {index + 1} of the backend's pictures cannot be used.",
        hint="Press Import Again, retry the job, or update both.",
    )
