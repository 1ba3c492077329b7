# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the extension sends files to a backend on this machine, over TLS.

`python -m benchmarks.upload FOLDER ZIP` inside a bpy module: the extension's own
connection, in Blender's Python, to a server that it starts. The server hashes and keeps every byte
before it answers. Writes `FOLDER/upload.json`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import extension

NUM_FILES, FILE_SIZE = 16, 64 * 1024**2
"""1 GiB in all."""


def main(folder: Path, zip_file: Path) -> dict[str, float]:
    extension.install(zip_file, folder / "backend")
    endpoint = extension.module("launcher").Launcher("", folder / "backend").locate()
    files = dict(_random_file(folder, index) for index in range(NUM_FILES))
    seconds = asyncio.run(_send(endpoint, files))
    mebibytes = NUM_FILES * FILE_SIZE / 1024**2
    return {
        "mebibytes": mebibytes,
        "seconds": round(seconds, 2),
        "rate": round(mebibytes / seconds, 1),
    }


def _random_file(folder: Path, seed: int) -> tuple[str, Path]:
    data = np.random.default_rng(seed).bytes(FILE_SIZE)
    path = folder / f"{seed}.bin"
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest(), path


async def _send(endpoint: object, files: dict[str, Path]) -> float:
    connection_module = extension.module("connection")
    connection = await connection_module.connect(endpoint, lambda news, body: None)
    reading = asyncio.create_task(connection.run())
    await connection_module.open_session(connection, endpoint, "benchmark")
    start = time.perf_counter()
    await extension.module("transfers").send_files(connection, files, lambda sent, total: None)
    seconds = time.perf_counter() - start
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return seconds


if __name__ == "__main__":
    result = main(Path(sys.argv[1]), Path(sys.argv[2]))
    (Path(sys.argv[1]) / "upload.json").write_text(json.dumps(result))
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
