# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the server takes a file of 1 GiB over TLS loopback, and how much memory that costs it.

    python -m benchmarks.wire

The client is a blocking socket around the protocol's core, in a process of its own beside the
server; the server hashes and keeps every byte, on disk, before it answers. Rewrites
`docs/benchmarks/wire.md`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from lightkiln.server.certificate import ALPN
from lightkiln_shared.messages import FileOffer, Hello, OfferFiles, PutFile, Request
from lightkiln_shared.session import Incoming, Session, Side

SIZE = 1024**3
BLOCK = os.urandom(64 * 1024**2)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks" / "wire.md"


class Client:
    """One connection; requests are answered in their order."""

    def __init__(self, port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([ALPN])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        self.session = Session(Side.CLIENT)

    def ask(self, request: Request[Any]) -> Any:
        self.socket.sendall(self.session.request(request)[1])
        return self.answer()

    def answer(self) -> Any:
        while True:
            for message in self.receive():
                return message

    def receive(self) -> list[Any]:
        received = self.session.receive(self.socket.recv(65536))
        return [each.message for each in received if isinstance(each, Incoming)]

    def send(self, stream: int, size: int) -> None:
        sent = 0
        while sent < size:
            piece = self.session.sendable(stream)
            if piece == 0:
                self.receive()
                continue
            at = sent % len(BLOCK)
            chunk = memoryview(BLOCK)[at : at + min(piece, len(BLOCK) - at)]
            self.socket.sendall(self.session.data_header(stream, len(chunk)))
            self.socket.sendall(chunk)
            sent += len(chunk)


def measure(data: Path) -> dict[str, float]:
    """MiB/s, and how far the server's memory grows."""
    token = secrets.token_urlsafe(32)
    command = [sys.executable, "-m", "lightkiln", "serve", "--data", str(data)]
    with subprocess.Popen(
        [*command, "--token-from-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(token + "\n")
        server.stdin.flush()
        client = Client(json.loads(server.stdout.readline())["port"])
        client.ask(Hello(protocols=(1,), client="benchmark", token=token))
        result = _upload(client, psutil.Process(server.pid))
        server.terminate()
    return result


def _upload(client: Client, server: psutil.Process) -> dict[str, float]:
    digest = hashlib.sha256()
    for _ in range(SIZE // len(BLOCK)):
        digest.update(BLOCK)
    sha256 = digest.hexdigest()
    client.ask(OfferFiles(files=(FileOffer(sha256=sha256, size=SIZE),)))
    before = server.memory_info().rss
    peak = [before]
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(server, peak, ended))
    watching.start()
    start = time.perf_counter()
    bulk = client.session.announce(SIZE)
    request = PutFile(sha256=sha256, size=SIZE, offset=0, bulk=bulk)
    client.socket.sendall(client.session.request(request)[1])
    client.send(bulk.stream, SIZE)
    reply = client.answer()
    seconds = time.perf_counter() - start
    ended.set()
    watching.join()
    assert reply.kind == "done", reply
    return {"rate": SIZE / 2**20 / seconds, "growth": (peak[0] - before) / 2**20}


def _watch(server: psutil.Process, peak: list[int], ended: threading.Event) -> None:
    while not ended.wait(0.02):
        peak[0] = max(peak[0], server.memory_info().rss)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.home()) as parent:
        runs = [measure(Path(parent) / str(number)) for number in range(3)]
    rates = sorted(run["rate"] for run in runs)
    growth = max(run["growth"] for run in runs)
    lines = [
        "# The wire",
        "An upload of 1 GiB over TLS 1.3 on loopback, hashed and kept on disk: "
        "`python -m benchmarks.wire`.",
        "| | measured | bar |\n|---|---|---|\n"
        f"| rate, median of three (lowest, highest) | {rates[1]:.0f} MiB/s "
        f"({rates[0]:.0f}, {rates[2]:.0f}) | at least 100 MiB/s |\n"
        f"| growth of the server's memory, the most of three | {growth:.0f} MiB | at most 64 MiB |",
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"{ssl.OPENSSL_VERSION}; client and server share the machine.",
    ]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
