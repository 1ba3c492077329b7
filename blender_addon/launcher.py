# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the backend on this computer, or starts it. No bpy: this runs in the client's thread.

The token is made here and handed over through the child's standard input, because arguments and
environments can be read by others. The backend leaves a file that only its owner may read, which
says where it listens: so the next Blender finds the one that still runs, and the job in it.
It must not know the wire.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import shlex
import shutil
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from .connection import Endpoint, fingerprint_at
from .shared.errors import BackendLost, UserError

COMMAND_VARIABLE = "LIGHTKILN_COMMAND"
START_SECONDS = 60.0
RUNTIME_FILE = "server.json"
IDLE_EXIT_SECONDS = 600
"""A backend without a Blender and without work ends after this."""
MAX_STARTS = 3
STARTS_WINDOW = 60.0
"""Seconds in which so many starts are too many: a backend that dies at once is not started again
and again."""

_PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH")  # Blender's own would break the backend's Python


class Launcher:
    """Knows one backend: its command, its data folder, and where it listens now."""

    def __init__(self, command: str, data: Path) -> None:
        """`command` is the person's choice, or empty; `data` is the backend's folder."""
        self._command, self._data = command, data
        self._starts: deque[float] = deque(maxlen=MAX_STARTS)

    def locate(self) -> Endpoint:
        """The running backend, or one just started. Blocks; raises what the person must know."""
        known = self.running()
        return known if known is not None else self._start()

    def attach(self) -> Endpoint:
        """The running backend; raises `UserError` if there is none."""
        known = self.running()
        if known is None:
            raise UserError("The backend is not running.", hint="Press Connect to start it.")
        return known

    def running(self) -> Endpoint | None:
        """The backend that the runtime file names, if it is what answers there."""
        try:
            said = json.loads((self._data / RUNTIME_FILE).read_bytes())
            endpoint = _endpoint(said, said["token"])
            is_it = fingerprint_at(endpoint.address, endpoint.port) == endpoint.fingerprint
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return endpoint if is_it else None

    def _start(self) -> Endpoint:
        now = time.monotonic()
        if len(self._starts) == MAX_STARTS and now - self._starts[0] < STARTS_WINDOW:
            raise UserError(
                f"The backend ended {MAX_STARTS} times in a row: {self._last_words()}",
                hint=f"See {self._log.name} in its data folder, then connect again.",
            )
        self._starts.append(now)
        self._data.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(32)
        return _endpoint(self._spawn([*find_command(self._command), "serve"], token), token)

    def _spawn(self, command: list[str], token: str) -> dict[str, Any]:
        command += ["--data", str(self._data), "--token-from-stdin"]
        command += ["--idle-exit", str(IDLE_EXIT_SECONDS)]
        try:
            with self._log.open("ab") as log:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment(),
                    **_DETACHED,
                )
        except OSError as error:
            raise UserError(
                f"The backend's command {command[0]} cannot be started: {error.strerror}.",
                hint="Set its path in the add-on's preferences.",
            ) from None
        return self._hear(process, token)

    def _hear(self, process: subprocess.Popen[bytes], token: str) -> dict[str, Any]:
        """Hand the token over and read the one line in which the backend says where it listens."""
        assert process.stdin and process.stdout
        too_late = threading.Timer(START_SECONDS, process.kill)
        too_late.start()
        try:
            process.stdin.write(token.encode() + b"\n")
            process.stdin.close()
            line = process.stdout.readline()
        except OSError:
            line = b""
        finally:
            too_late.cancel()
        try:
            return dict(json.loads(line))
        except ValueError:
            process.kill()
            raise BackendLost(
                f"The backend ended while it was starting: {self._last_words()}",
                hint=f"Its log is {self._log.name} in its data folder.",
            ) from None

    @property
    def _log(self) -> Path:
        return self._data / "backend.log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing."


def environment() -> dict[str, str]:
    """The variables for a program of the backend."""
    return {k: v for k, v in os.environ.items() if k not in _PYTHON_VARIABLES}


def find_command(preferred: str) -> list[str]:
    """The words that start the backend's program: preference, environment variable, PATH."""
    if preferred:
        is_python = Path(preferred).stem.lower().startswith("python")
        return [preferred, "-m", "lightkiln"] if is_python else [preferred]
    if words := shlex.split(os.environ.get(COMMAND_VARIABLE, "")):
        return words
    if found := shutil.which("lightkiln"):
        return [found]
    raise UserError(
        "No Lightkiln backend was found on this computer.",
        hint="Install it, or set the path of its command in the add-on's preferences.",
    )


def _endpoint(said: dict[str, Any], token: str) -> Endpoint:
    """What a backend says of itself; `ValueError` if it is not on this computer."""
    if not ipaddress.ip_address(said["address"]).is_loopback:
        raise ValueError(f"{said['address']} is not this computer")
    return Endpoint(
        address=said["address"],
        port=int(said["port"]),
        fingerprint=said["fingerprint"],
        token=token,
    )


_DETACHED: dict[str, object] = (
    {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    if os.name == "nt"
    else {"start_new_session": True}  # Ctrl-C in Blender's terminal is not for the backend
)
