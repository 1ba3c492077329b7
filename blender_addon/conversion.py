# SPDX-License-Identifier: GPL-3.0-or-later
"""Solves of other programs come and go through the backend's `lightkiln convert`. No bpy.

Each format is read and written there and nowhere else; here are one folder of our own and a process
that is waited for in a thread. So are films, of which `lightkiln frames` takes frames.
It must not know formats.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from . import points, shots, solved
from .launcher import environment, find_command
from .shared.errors import LightkilnError, UserError
from .shots import Order
from .transfers import Source

T = TypeVar("T")

OURS = "lightkiln"
SCENE, FILES, POINTS, PLACES = "scene.json", "files", "points.ply", "files.json"
SECONDS = 1800
"""Images are hashed on the way: a thousand large ones take minutes."""
NOTHING = b'{"alignment": {"unplaced": [], "reprojection_error": 0.0}}'


def in_a_thread(work: Callable[[], T]) -> Future[T]:
    """The future of some work that blocks."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except LightkilnError as error:
            future.set_exception(error)
        except OSError as error:
            future.set_exception(UserError(f"A file cannot be used: {error}."))

    threading.Thread(target=run, name="lightkiln-conversion", daemon=True).start()
    return future


def read(command: str, folder: Path) -> solved.Solved:
    """A solve that lies in a folder, whatever made it; raises `UserError` with what is wrong."""
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        out = Path(parent) / "scene"
        convert(command, folder, out, OURS)
        cloud = (out / POINTS).read_bytes() if (out / POINTS).exists() else points.NONE
        found = solved.ready((out / SCENE).read_bytes(), cloud, NOTHING, ())
        places = json.loads((out / PLACES).read_text(encoding="utf-8"))
    found.paths.update({sha256: Path(path) for sha256, path in places.items()})
    return found


def write(command: str, order: Order, cloud: bytes, target: Path, kind: str) -> Path:
    """Write the scene of an order as a `kind` that `lightkiln convert` knows; the new folder."""
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        folder = Path(parent)
        prepared = shots.prepare(order, lambda *_: None)
        files = dict(prepared.files)
        (folder / SCENE).write_bytes(_bytes_of(files.pop(prepared.scene_sha256)))
        (folder / POINTS).write_bytes(cloud)
        (folder / FILES).mkdir()
        for sha256, source in files.items():
            place(source, folder / FILES / sha256)
        convert(command, folder, target, kind)
    return target


def convert(command: str, source: Path, target: Path, kind: str) -> None:
    """Run `lightkiln convert`; raises `UserError` with what it said."""
    _run(command, "convert", str(source), "-o", str(target), "--to", kind)


def take_frames(command: str, film: Path, numbers: Iterable[int], fps: float, target: Path) -> None:
    """Have frames of a film written into a new folder; raises `UserError` with what was said."""
    listed = [str(number) for number in numbers]
    _run(command, "frames", str(film), *listed, "-o", str(target), "--fps", repr(fps))


def _run(command: str, *options: str) -> None:
    words = [*find_command(command), *options]
    try:
        done = subprocess.run(
            words, capture_output=True, timeout=SECONDS, env=environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"The backend's command {words[0]} failed: {error}.") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise UserError(said.removeprefix("lightkiln: ")[-500:] or "The conversion failed.")


def place(source: Source, target: Path) -> None:
    """Have a file there with the content of another, without copying it where that is possible."""
    if isinstance(source, bytes):
        target.write_bytes(source)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _bytes_of(source: Source | Any) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()
