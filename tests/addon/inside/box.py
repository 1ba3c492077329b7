# SPDX-License-Identifier: GPL-3.0-or-later
"""A GPU box for tests: a real `lightkiln serve --lan`, and the code that its owner reads out."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import module

LIGHTKILN = shlex.split(os.environ["LIGHTKILN_COMMAND"])


@dataclass
class Box:
    """A backend on the network, in a data folder of its own."""

    data: Path
    name: str = "attic"
    port: int = 0
    process: Any = None

    def start(self, *options: str) -> None:
        """Start it at the port that it had, or at any."""
        words = ["serve", "--lan", "--name", self.name, "--port", str(self.port), *options]
        with (self.data.parent / "box.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*LIGHTKILN, *words, "--data", str(self.data)], stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout.readline(), (self.data.parent / "box.log").read_text()
        self.port = self.said["port"]

    @property
    def said(self) -> dict[str, Any]:
        """What it keeps for its owner: port, fingerprint, token, process."""
        return json.loads((self.data / "server.json").read_text())

    def stop(self, number: int = signal.SIGTERM) -> None:
        os.kill(self.said["pid"], number)  # `env` in the command is another process
        self.process.wait(20)
        self.process.stdout.close()

    @contextmanager
    def showing(self) -> Iterator[tuple[str, str]]:
        """A code and a connection string, as `lightkiln pair` shows them, until the block ends."""
        connection, said = module("connection"), self.said
        owner = connection.Endpoint(
            address="127.0.0.1",
            port=self.port,
            fingerprint=said["fingerprint"],
            token=said["token"],
        )
        client = module("client").Client(lambda: owner, module("mailbox").Mailbox())
        try:
            code = client.request(module("shared.access").OpenPairing()).result(30).code
            address = module("shared.address")
            where = address.Address("localhost", self.port)
            yield code, str(address.Invitation(where, said["fingerprint"], code))
        finally:
            client.close()
