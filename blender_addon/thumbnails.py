# SPDX-License-Identifier: GPL-3.0-or-later
"""The small pictures of the job list: fetched and checked in the client's thread. No bpy.

Kept as files named by their content: Blender makes icons of files, in its own time.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from . import image_files
from .connection import Connection
from .shared.errors import MalformedMessage
from .transfers import fetch_artifact

ARTIFACT = "thumbnail.png"
MAX_SIDE, MAX_BYTES = 256, 512 * 1024


async def fetch(connection: Connection, job_id: str, folder: Path) -> Path:
    """A job's picture, in a file; `NothingReconstructed` if it has none yet."""
    data = await fetch_artifact(connection, job_id, ARTIFACT)
    return await asyncio.to_thread(_kept, data, folder)


def _kept(data: bytes, folder: Path) -> Path:
    is_png = data.startswith(b"\x89PNG") and len(data) <= MAX_BYTES
    if not is_png or max(image_files.size_of(data, ARTIFACT)) > MAX_SIDE:
        raise MalformedMessage("The backend's picture of a job cannot be used.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()}.png"
    path.write_bytes(data)
    return path
