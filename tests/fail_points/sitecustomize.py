# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a process die at chosen operations on its files.

Python imports this by itself when its folder is on the path. The product knows nothing of it: the
interpreter's own audit events, `os.fsync` and SQLite's statements are the places, so there is none
that somebody forgot to mark. A place is named by the function of the product that it happens in,
`checkpoints.save rename`, so it has the same name in each run.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FILE_EVENTS = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate"}


class FailPoint:
    """What `LIGHTKILN_FAIL` asks for; in every other process nothing happens."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._folder: str = asked["folder"]
        """Only what is done below it counts."""
        self._log: Path | None = Path(asked["log"]) if "log" in asked else None
        """Where the name of each place is noted."""
        self._places: dict[str, int] = asked.get("places", {})
        """Where it happens, and at which time that somebody comes there."""
        self._marks = Path(asked["marks"])
        """A folder with a file for each place at which it has happened: it happens once there."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.RLock()

    def on_event(self, event: str, values: tuple[Any, ...]) -> None:
        """An audit event of the interpreter."""
        if event == "open":
            path, _, flags = values
            if flags & WRITING:
                self._at("open", path)
        elif event in FILE_EVENTS:
            self._at(event.removeprefix("os."), values[1 if event == "os.link" else 0])

    def connect(self, *words: Any, **named: Any) -> sqlite3.Connection:
        """Stands before the real one."""
        made = _connect(*words, **named)
        made.set_trace_callback(lambda text: self._reached("sql " + text.split()[0]))
        return made

    def on_fsync(self, descriptor: int) -> None:
        """Stands before the real one."""
        self._reached("fsync")
        _fsync(descriptor)

    def _at(self, what: str, path: Any) -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            text = os.fsdecode(path)
            if text.startswith(self._folder):
                self._reached(what)

    def _reached(self, what: str) -> None:
        name = f"{_where()} {what}"
        with self._lock:
            self._counts[name] += 1
            if self._log is not None:
                descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                os.write(descriptor, name.encode() + b"\n")
                os.close(descriptor)
            mark = self._marks / name
            if self._places.get(name) != self._counts[name] or mark.exists():
                return
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def _where() -> str:
    """The innermost function of the product, but those by which all files are replaced."""
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("lightkiln") and not module.endswith(".atomic"):
            return f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
        frame = frame.f_back  # type: ignore[assignment]
    return "?"


_fsync, _connect = os.fsync, sqlite3.connect
_asked = json.loads(os.environ.get("LIGHTKILN_FAIL", "{}"))
if _asked and _asked["role"] in sys.orig_argv:
    _point = FailPoint(_asked)
    sys.addaudithook(_point.on_event)
    os.fsync = _point.on_fsync  # type: ignore[assignment]
    sqlite3.connect = _point.connect  # type: ignore[assignment]
