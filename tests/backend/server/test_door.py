# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in: real sockets against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import ssl
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lightkiln.server.handlers import HANDLERS
from lightkiln_shared.errors import NotAuthorised, VersionMismatch
from lightkiln_shared.messages import BY_KIND, Jobs, ListJobs, ListMethods, Request
from running_server import RunningServer
from wire_client import Client, connected, talk, tls_context, unwelcome


def test_every_request_has_a_handler() -> None:
    assert set(HANDLERS) == {cls for cls in BY_KIND.values() if issubclass(cls, Request)}


def test_the_methods_are_listed_with_their_parameters(server: RunningServer) -> None:
    async def talking(client: Client) -> None:
        methods = {method.name: method for method in (await client.ask(ListMethods())).methods}
        counter = methods["counter"]
        assert counter.presets == {"draft": {"steps": 5}}
        assert [spec.name for spec in counter.params][:2] == ["steps", "seconds"]

    talk(server, talking)


def test_a_wrong_token_is_refused_in_a_sentence(server: RunningServer) -> None:
    async def knock() -> None:
        with pytest.raises(NotAuthorised, match="does not accept this token"):
            async with connected(server.port, server.token[:-1]):
                pass

    asyncio.run(knock())


def test_another_protocol_version_is_refused_in_a_sentence(server: RunningServer) -> None:
    async def knock() -> None:
        with pytest.raises(VersionMismatch, match=r"version 1, this client 9, 8\. Update"):
            async with connected(server.port, server.token, protocols=(9, 8)):
                pass

    asyncio.run(knock())


def test_the_certificate_is_the_announced_one(server: RunningServer) -> None:
    async def knock() -> str:
        client = await unwelcome(server.port)
        der = client.writer.get_extra_info("ssl_object").getpeercert(True)
        await client.close()
        return hashlib.sha256(der).hexdigest()

    assert asyncio.run(knock()) == server.line["fingerprint"]
    assert server.line["server_id"] == server.line["fingerprint"][:16]


def test_a_client_that_sees_another_certificate_has_said_nothing(server: RunningServer) -> None:
    """The pin is compared before the first byte: the server then sees a hello of nobody."""

    async def leave_at_once() -> None:
        client = await unwelcome(server.port)
        assert client.writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        await client.close()

    asyncio.run(leave_at_once())
    talk(server, answers)


async def answers(client: Client) -> None:
    assert isinstance(await client.ask(ListJobs()), Jobs)


STRANGERS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    bytes(64),
    os.urandom(512),
    b"\x16\x03\x01\x02\x00",  # the beginning of a TLS hello
    b"",
)


def test_strangers_are_gone_within_seconds(server: RunningServer) -> None:
    log, files = server.data.parent / "server.log", sorted(server.data.rglob("*"))
    before = log.read_text().count("\n")
    with ThreadPoolExecutor(len(STRANGERS) + 1) as pool:
        calls = [pool.submit(knock, server.port, said) for said in STRANGERS]
        calls.append(pool.submit(asyncio.run, dawdle(server.port)))
        assert all(call.result() < 6.5 for call in calls)
    assert log.read_text().count("\n") - before <= len(calls), "a line for each at most"
    assert sorted(server.data.rglob("*")) == files
    talk(server, answers)


def knock(port: int, said: bytes) -> float:
    """Say something; return the seconds until the server has hung up."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=8) as plain:
        plain.sendall(said)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := plain.recv(4096):
                answer += piece
    assert len(answer) < 100  # at most a TLS alert
    return time.monotonic() - start


async def dawdle(port: int) -> float:
    """Get through TLS and say nothing."""
    client = await unwelcome(port)
    start = time.monotonic()
    await asyncio.wait_for(client.is_over.wait(), 8)
    await client.close()
    return time.monotonic() - start


def test_an_older_tls_is_refused(server: RunningServer) -> None:
    context = tls_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=8) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)


def test_without_the_protocols_name_in_tls_nothing_is_read(server: RunningServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=8) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        assert wrapped.recv(100) == b""


@pytest.mark.parametrize("garbage", [os.urandom(200), b"\x01" + b"\xff" * 11, b"\x02" * 40])
def test_garbage_within_tls_ends_the_connection(server: RunningServer, garbage: bytes) -> None:
    async def knock() -> None:
        client = await unwelcome(server.port)
        client.writer.write(garbage)
        await asyncio.wait_for(client.is_over.wait(), 6)
        await client.close()

    asyncio.run(knock())
    talk(server, answers)


def test_many_silent_sockets_do_not_keep_a_client_out(server: RunningServer) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    try:
        start = time.monotonic()
        talk(server, answers)
        assert time.monotonic() - start < 2.0
    finally:
        for each in silent:
            each.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127 for itself")
def test_a_crowd_from_elsewhere_drives_out_itself_and_nobody_else(server: RunningServer) -> None:
    door = ("127.0.0.1", server.port)
    with contextlib.ExitStack() as held:
        early = held.enter_context(socket.create_connection(door))
        crowd = [
            held.enter_context(socket.create_connection(door, source_address=("127.0.0.2", 0)))
            for _ in range(40)
        ]
        time.sleep(0.5)
        with pytest.raises(BlockingIOError):
            early.recv(1, socket.MSG_DONTWAIT)  # the one who came first is not out
        with contextlib.suppress(ConnectionResetError):
            assert crowd[0].recv(1, socket.MSG_DONTWAIT) == b""


FLOOD = 3000
"""400 and 200 a second are allowed: even a slow machine asks all of these in less than 13 s."""
PIECE, PAUSE = 300, 0.1
"""Requests that are written at once, and the seconds between."""


def test_a_flood_of_requests_ends_the_connection_with_a_reason(server: RunningServer) -> None:
    async def flood(client: Client) -> None:
        asked = [client.ask(ListJobs()) for _ in range(FLOOD)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert 300 < sum(isinstance(answer, Jobs) for answer in answers) < FLOOD
        assert "too many" in client.closed_because

    talk(server, flood)
    talk(server, answers)


def test_the_reason_reaches_a_client_that_goes_on_sending(server: RunningServer) -> None:
    """The server stops listening while the client, which reads nothing yet, has more to say."""

    async def flood(client: Client) -> None:
        begun = [client.begin(ListJobs()) for _ in range(FLOOD)]
        for first in range(0, FLOOD, PIECE):
            client.writer.write(b"".join(frame for frame, _ in begun[first : first + PIECE]))
            time.sleep(PAUSE)  # it does nothing else, so it does not read
        replies = await asyncio.gather(*(reply for _, reply in begun), return_exceptions=True)
        answers = [reply[0] for reply in replies if isinstance(reply, tuple)]
        assert 300 < sum(isinstance(answer, Jobs) for answer in answers) < FLOOD
        assert "too many" in client.closed_because

    talk(server, flood)


def test_secrets_are_private(server: RunningServer) -> None:
    for name in ("server.pem", "server.json", "jobs.sqlite"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    log = (server.data.parent / "server.log").read_text()
    assert server.token not in log
    assert server.token not in server.line.values()
