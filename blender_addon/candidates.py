# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that a job has drawn of a prompt, fetched as files. No bpy.

    candidates.json      [{"seed", "picture": the artifact's name}, ...]
    candidate-0.png ...

It must not know panels.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path

from . import image_files, said
from .connection import Connection
from .said import Said
from .shared.errors import MalformedMessage
from .transfers import fetch_artifact

LIST = "candidates.json"
MAX_CANDIDATES, MAX_SIDE, MAX_BYTES = 16, 2048, 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture, and the seed that it stands for."""

    seed: int
    path: Path


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a prior thinks of a prompt."""

    said: Said
    candidates: tuple[Candidate, ...]


async def fetch(connection: Connection, job_id: str, folder: Path) -> Drawn:
    """Fetch a job's pictures into a folder."""
    listed = _read(await fetch_artifact(connection, job_id, LIST))
    found = []
    for index, (seed, artifact) in enumerate(listed):
        data = await fetch_artifact(connection, job_id, artifact)
        path = folder / f"candidate-{index}.png"  # ours: no name from elsewhere becomes a path
        await asyncio.to_thread(_write, path, data)
        found.append(Candidate(seed, path))
    return Drawn(await said.fetch(connection, job_id), tuple(found))


def _read(data: bytes) -> list[tuple[int, str]]:
    try:
        rows = json.loads(data)[:MAX_CANDIDATES]
        listed = [(int(each["seed"]) % 2**31, str(each["picture"])) for each in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedMessage(f"the list of pictures cannot be read: {error}") from None
    if not all(re.fullmatch(r"[a-z0-9._-]{1,100}", artifact) for _, artifact in listed):
        raise MalformedMessage("the list of pictures names no files")
    return listed


def _write(path: Path, data: bytes) -> None:
    is_png = data.startswith(b"\x89PNG") and len(data) <= MAX_BYTES
    if not is_png or max(image_files.size_of(data, path.name)) > MAX_SIDE:
        raise MalformedMessage("The backend's picture of a prompt cannot be used.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
