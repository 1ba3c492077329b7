# SPDX-License-Identifier: GPL-3.0-or-later
"""Two machines' command lines and a real backend between them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import running_server
from lightkiln.cli import remote
from lightkiln.cli.remote import Remote
from lightkiln.server.certificate import server_context
from lightkiln_shared.address import Address
from lightkiln_shared.errors import NotAuthorised
from running_server import RunningServer

LIGHTKILN = (sys.executable, "-m", "lightkiln")


@dataclass
class Machine:
    """A home folder, and what is typed there."""

    home: Path

    def run(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*LIGHTKILN, *words],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            env={**running_server.environment(), "XDG_CONFIG_HOME": str(self.home)},
        )

    def says(self, *words: str, typed: str = "") -> str:
        done = self.run(*words, typed=typed)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def is_told(self, *words: str, typed: str = "") -> str:
        """The sentence with which a mistake is refused."""
        done = self.run(*words, typed=typed)
        assert done.returncode in (2, 3), done.stdout  # 3: nobody answers
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("lightkiln: ")
        return done.stderr


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = running_server.start_box(tmp_path_factory.mktemp("box") / "data")
    yield running
    running.stop()


@pytest.fixture
def laptop(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "config")


@contextmanager
def shown(box: RunningServer) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """The code and the string that `lightkiln pair` shows, while it runs."""
    process = subprocess.Popen(
        [*LIGHTKILN, "pair", "--data", str(box.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**running_server.environment(), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    with process, process.stdout:
        code, string = (process.stdout.readline().split()[1] for _ in range(2))
        try:
            yield code, string, process
        finally:
            process.terminate()


def of_here(string: str, box: RunningServer) -> str:
    """The same string with an address that a machine without a network has too."""
    return re.sub(r"//.*?/", f"//127.0.0.1:{box.port}/", string, count=1)


def test_a_pasted_string_pairs_and_the_backend_is_known_by_its_name(
    box: RunningServer, laptop: Machine
) -> None:
    with shown(box) as (code, string, owner):
        assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", code)
        assert box.line["fingerprint"] in string
        said = laptop.says("pair", "--with", of_here(string, box))
        assert said == f"Paired with attic at 127.0.0.1:{box.port}.\n"
        assert owner.stdout is not None
        assert f"paired  {socket.gethostname()[:64]}" in owner.stdout.read()
        assert owner.wait(10) == 0
        assert "shows no pairing code" in laptop.is_told("pair", "--with", of_here(string, box))
    kept = laptop.home / "lightkiln" / "backends.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    token = json.loads(kept.read_text())["backends"]["attic"]["token"]
    listed = laptop.says("backends")
    assert re.fullmatch(rf"attic  127\.0\.0\.1:{box.port}  \S.*\n", listed)
    assert token not in said + listed
    assert laptop.says("backends", "--forget", "attic").startswith("attic is forgotten")
    assert laptop.says("backends").startswith("No backend is known")


def test_an_address_and_the_typed_code_pair_too(box: RunningServer, laptop: Machine) -> None:
    with shown(box) as (code, _, _):
        where = f"https://localhost:{box.port}/"
        said = laptop.says("pair", "--with", where, "--name", "loft", typed=code.lower() + "\n")
    assert said.endswith(f"Paired with loft at localhost:{box.port}.\n")
    assert laptop.says("backends").startswith("loft  ")


def test_a_revoked_client_is_told(box: RunningServer, laptop: Machine) -> None:
    before = laptop.says("clients", "--data", str(box.data))
    with shown(box) as (_, string, owner):
        laptop.says("pair", "--with", of_here(string, box))
        owner.wait(10)
    listed = laptop.says("clients", "--data", str(box.data))
    (new,) = set(listed.splitlines()) - set(before.splitlines()) - {""}
    client_id = new.split()[0]
    gone = laptop.says("clients", "--data", str(box.data), "--revoke", client_id)
    assert gone.endswith("is not let in any more.\n")
    assert client_id not in laptop.says("clients", "--data", str(box.data))
    assert "does not accept this token" in laptop.says("backends")
    assert "No client is called" in laptop.is_told(
        "clients", "--data", str(box.data), "--revoke", client_id
    )


def test_wrong_codes_and_half_strings_are_told(box: RunningServer, laptop: Machine) -> None:
    with shown(box) as (_, string, _):
        whole = of_here(string, box)
        wrong = whole[:-9] + "0000-0000"
        assert "The pairing code is wrong" in laptop.is_told("pair", "--with", wrong)
        assert "is not whole" in laptop.is_told("pair", "--with", whole[:-12])
        other = whole.replace(str(box.line["fingerprint"]), "0" * 64)
        assert "has another certificate" in laptop.is_told("pair", "--with", other)
    assert not (laptop.home / "lightkiln" / "backends.json").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pair", "--with", "attic:99999"), "A port is a number"),
        (("pair", "--with", "no-such-machine.invalid"), "No machine is called"),
        (("pair", "--name", "attic"), "Say which one with --with"),
        (("pair", "--with", "attic", "--data", "."), "Leave it out with --with"),
        (("pair", "--data", "nowhere"), "No server is running in nowhere"),
        (("clients", "--data", "nowhere"), "No server is running in nowhere"),
        (("backends", "--forget", "attic"), "No backend is known as 'attic'; known: none"),
    ],
)
def test_each_mistake_has_its_sentence(
    laptop: Machine, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in laptop.is_told(*words)


def test_who_else_may_listen_there_is_told(laptop: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def be_rude() -> None:
            client, _ = other.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=be_rude, daemon=True).start()
        said = laptop.is_told("pair", "--with", f"127.0.0.1:{port}")
        assert "is not a Lightkiln backend" in said
    assert "Nothing listens at" in laptop.is_told("pair", "--with", f"127.0.0.1:{port}")


def test_nothing_is_said_to_a_changed_certificate(tmp_path: Path) -> None:
    """A server behind the same address, with a certificate of its own, counts what it is told."""
    context, fingerprint = server_context(tmp_path)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.read())
        except (ConnectionError, ssl.SSLError):
            heard.append(b"")
        writer.transport.abort()  # a polite end would outlive the test

    async def whole() -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(NotAuthorised, match="has another certificate"):
            await asyncio.to_thread(Remote, address, "0" * 64)
        with await asyncio.to_thread(Remote, address, fingerprint):
            pass
        async with asyncio.timeout(5):
            while len(heard) < 2:
                await asyncio.sleep(0.01)
        server.close()

    asyncio.run(whole())
    assert heard == [b"", b""]


def test_a_backend_cannot_play_with_the_terminal() -> None:
    assert remote.shown("\x1b[2Jgone\r\n\u202e") == "?[2Jgone???"
    assert len(remote.shown("x" * 10_000)) <= 300
