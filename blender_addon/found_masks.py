# SPDX-License-Identifier: GPL-3.0-or-later
"""The masks that a job has found, fetched as files. No bpy.

    masks.json         [{"name", "sha256": of the photograph, "mask": the artifact's name}, ...]
    mask-0000.png ...  the object white

It must not know cameras.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .connection import Connection
from .shared.errors import MalformedMessage
from .transfers import fetch_artifact

LIST = "masks.json"
MAX_MASKS = 100_000


@dataclass(frozen=True, slots=True)
class FoundMask:
    """A mask, and the photograph that it belongs to."""

    name: str
    """Of the photograph."""
    path: Path


async def fetch(connection: Connection, job_id: str, folder: Path) -> tuple[FoundMask, ...]:
    """Fetch a job's masks into a folder, in the order of the scene's views."""
    listed = _read(await fetch_artifact(connection, job_id, LIST))
    found = []
    for index, (name, artifact) in enumerate(listed):
        data = await fetch_artifact(connection, job_id, artifact)
        path = folder / f"mask-{index:04}.png"  # ours: no name from elsewhere becomes a path
        await asyncio.to_thread(_write, path, data)
        found.append(FoundMask(name, path))
    return tuple(found)


def _read(data: bytes) -> list[tuple[str, str]]:
    try:
        listed = [(str(each["name"]), str(each["mask"])) for each in json.loads(data)[:MAX_MASKS]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedMessage(f"the list of masks cannot be read: {error}") from None
    if not all(re.fullmatch(r"[a-z0-9._-]{1,100}", artifact) for _, artifact in listed):
        raise MalformedMessage("the list of masks names no files")
    return listed


def _write(path: Path, data: bytes) -> None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise MalformedMessage("a mask that is not a PNG file")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
