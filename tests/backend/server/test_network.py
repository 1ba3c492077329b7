# SPDX-License-Identifier: GPL-3.0-or-later
"""What listens where: the system's own tables of sockets are asked, not the server."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import running_server
from lightkiln.server.network import own_address
from lightkiln_shared.address import is_loopback
from lightkiln_shared.errors import NotAuthorised
from lightkiln_shared.messages import ListMethods
from running_server import RunningServer
from wire_client import Client, connected, talk

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
HERE = own_address()
SERVE = (sys.executable, "-m", "lightkiln", "serve")
has_address = pytest.mark.skipif(
    not re.fullmatch(r"[\d.]+|.*:.*", HERE) or is_loopback(HERE),
    reason="this machine has no address but loopback",
)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RunningServer]:
    running = running_server.start_box(tmp_path / "data")
    yield running
    running.stop()


def sockets(pid: int) -> dict[str, list[tuple[str, str]]]:
    """The internet sockets of a process: by table, local address and state."""
    fds = Path(f"/proc/{pid}/fd").iterdir()
    links = [str(fd.readlink()) for fd in fds if fd.is_symlink()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    found: dict[str, list[tuple[str, str]]] = {}
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "icmp6"):
        rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        for row in map(str.split, rows):
            if row[9] in inodes:
                found.setdefault(table, []).append((row[1].partition(":")[0], row[3]))
    return found


def numeric(words: str) -> str:
    """An address as the tables write it: 32-bit words, each in this machine's order of bytes."""
    parts = [bytes.fromhex(words[at : at + 8]) for at in range(0, len(words), 8)]
    ordered = b"".join(p[::-1] if sys.byteorder == "little" else p for p in parts)
    return str(ipaddress.ip_address(ordered))


@on_linux
def test_a_server_that_was_not_asked_to_opens_nothing_beyond_this_machine(
    server: RunningServer,
) -> None:
    async def look(client: Client) -> None:
        await client.ask(ListMethods())
        found = sockets(server.process.pid)
        tables = set(found)
        assert tables == {"tcp"}, "no datagram can leave without a socket for it, nor multicast"
        assert all(is_loopback(numeric(address)) for address, _ in found["tcp"])

    talk(server, look)


@on_linux
def test_a_box_opens_one_port_and_no_datagrams(box: RunningServer) -> None:
    found = [(table, at) for table, rows in sockets(box.process.pid).items() for at in rows]
    ((table, (address, state)),) = found
    assert table in ("tcp", "tcp6")
    assert ipaddress.ip_address(numeric(address)).is_unspecified
    assert state == "0A", "it listens"


@has_address
def test_the_owners_token_opens_nothing_from_beyond_this_machine(box: RunningServer) -> None:
    async def knock() -> None:
        with pytest.raises(NotAuthorised, match="does not accept this token"):
            async with connected(box.port, box.token, host=HERE):
                pass

    talk(box, lambda client: client.ask(ListMethods()))  # type: ignore[arg-type,return-value]
    asyncio.run(knock())


@has_address
def test_a_server_that_is_not_on_the_network_does_not_answer_there(server: RunningServer) -> None:
    async def knock() -> None:
        await asyncio.open_connection(HERE, server.port)

    with pytest.raises(OSError, match=str(server.port)):
        asyncio.run(knock())


def test_a_box_says_where_it_is_and_who(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*SERVE, "--lan", "--port", "0", "--name", "attic", "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=running_server.environment(),
    )
    assert process.stdout is not None
    with process, process.stdout:
        said = "".join(process.stdout.readline() for _ in range(5))
        process.terminate()
    assert said.startswith("attic: listening on the network\n")
    assert re.search(r"address +\S+:\d+\n", said)
    assert re.search(r"fingerprint +[0-9a-f]{64}\n", said)
    assert re.search(r"devices +\S.*\(\d+ GB\)\n", said)
    assert "token" not in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--name", "attic"), "Give --lan too"),
        (("--announce",), "cannot be announced there. Give --lan too"),
        (("--lan", "--idle-exit", "9"), "does not end by itself"),
        (("--lan", "--name", "a\nb"), "A name has 1 to 64 characters"),
        (("--lan", "--name", "x" * 65), "A name has 1 to 64 characters"),
        (("--lan", "--port", "70000"), "from 1 to 65535"),
    ],
)
def test_a_wrong_start_is_refused_in_a_sentence(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    said = subprocess.run(
        [*SERVE, "--data", str(tmp_path / "data"), *options],
        capture_output=True,
        text=True,
        env=running_server.environment(),
        check=False,
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert sentence in said.stderr
    assert said.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_told(tmp_path: Path, server: RunningServer) -> None:
    said = subprocess.run(
        [*SERVE, "--data", str(tmp_path / "data"), "--lan", "--port", str(server.port)],
        capture_output=True,
        text=True,
        env=running_server.environment(),
        check=False,
    )
    assert said.returncode == 2
    assert f"Port {server.port} cannot be used here" in said.stderr


def test_alone_it_sends_nothing_and_works(tmp_path: Path, scene: Path) -> None:
    """In a namespace: no packet leaves by an interface that leads everywhere, nor is one missed."""
    alone = (
        "unshare",
        "--net",
        sys.executable,
        str(Path(running_server.__file__).parent / "alone.py"),
    )
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs Linux, the rights of root and iproute2")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no network namespaces")
    said = subprocess.run(
        [*alone, str(tmp_path / "data"), str(scene)],
        capture_output=True,
        text=True,
        env=running_server.environment(),
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {"left": 0, "end": "succeeded"}
