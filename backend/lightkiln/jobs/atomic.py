# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either the old one or the new one, never half of it; and locks between processes.

It must not know what is in the files.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lightkiln_shared.errors import ResourceError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

RETRIES = (0.0, 0.01, 0.05, 0.25)
"""Seconds between attempts: on Windows a reader or a virus scanner may hold the old file."""


def write(path: Path, *parts: bytes, durable: bool = False) -> None:
    """Replace a file by the joined parts; `durable` also outlasts a loss of power."""
    with whole(path) as beside, beside.open("wb") as file:
        for part in parts:
            file.write(part)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable:
        sync_folder(path.parent)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file to, which then takes the other's name; on an error neither stays."""
    beside = path.with_name(f".new.{path.name}")
    beside.unlink(missing_ok=True)  # left by a crash, or a link that somebody has planted
    try:
        yield beside
        replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def replace(source: Path, target: Path) -> None:
    """`os.replace` that waits a moment for whoever holds the target."""
    for delay in RETRIES:
        time.sleep(delay)
        try:
            source.replace(target)
        except PermissionError:
            continue
        return
    source.replace(target)


def sync_file(path: Path) -> None:
    """Make a file that somebody else wrote outlast a loss of power."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make new names in a folder outlast a loss of power; Windows does it by itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path, wait: float, message: str, hint: str = "") -> Iterator[None]:
    """Hold a lock that ends with this process; `ResourceError(message)` after `wait` seconds."""
    deadline = time.monotonic() + wait
    with path.open("ab") as file:
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                raise ResourceError(message, hint=hint)
            time.sleep(0.05)
        yield


def is_locked(path: Path) -> bool:
    """True while some process holds the lock."""
    if not path.exists():
        return False
    with path.open("ab") as file:
        return not _try_lock(file)


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
