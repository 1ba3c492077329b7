# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server process for tests: `lightkiln serve` with the methods of `methods_for_tests`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
COMMAND = (sys.executable, "-m", "lightkiln", "serve", "--token-from-stdin")
METHODS = ("SPEC", "WORDS", "PICTURES")
TOKEN = "a token that is long enough for a test"


@dataclass
class RunningServer:
    """The process and what it said of itself."""

    process: subprocess.Popen[bytes]
    line: dict[str, Any]
    data: Path
    token: str = TOKEN

    @property
    def port(self) -> int:
        return int(self.line["port"])

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As a person would."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def environment() -> dict[str, str]:
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "LIGHTKILN_METHODS": ",".join(f"methods_for_tests:{name}" for name in METHODS),
    }


def start(data: Path, *options: str, variables: dict[str, str] | None = None) -> RunningServer:
    """Start a server and wait until it listens; its log goes to `DATA/../server.log`."""
    process, line = _start(data, *options, variables=variables)
    return RunningServer(process, json.loads(line), data)


def start_box(data: Path, *options: str) -> RunningServer:
    """Start one on the network, on any free port; what it prints first is for people."""
    process, _ = _start(data, "--lan", "--name", "attic", "--port", "0", *options)
    return RunningServer(process, json.loads((data / "server.json").read_text()), data)


def _start(
    data: Path, *options: str, variables: dict[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], bytes]:
    with (data.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*COMMAND, "--data", str(data), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment() if variables is None else variables,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(TOKEN.encode() + b"\n")
        process.stdin.close()
        return process, process.stdout.readline()
