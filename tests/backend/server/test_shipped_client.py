# SPDX-License-Identifier: GPL-3.0-or-later
"""The client that ships, without Blender: its server dies, its line breaks, another answers."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import running_server
from chaos_proxy import ChaosProxy, Line
from lightkiln.server.certificate import server_context
from running_server import RunningServer
from shipped_client import Seat, endpoint, load, order

SLOW_MACHINE = 3.0
"""Tests share their machine with others."""


@contextmanager
def seated(locate: Any) -> Iterator[Seat]:
    seat = Seat(locate)
    try:
        yield seat
    finally:
        seat.client.close()


def last_link(seat: Seat) -> str:
    return seat.links[-1][1] if seat.links else ""


def test_a_dead_server_is_told_at_once_and_the_next_one_found(own_server: RunningServer) -> None:
    held = [own_server]
    with seated(lambda: endpoint(held[0])) as seat:
        seat.wait(lambda: last_link(seat) == "online", 20.0, "no line")
        own_server.kill()
        seat.wait(lambda: last_link(seat) == "reconnecting", 1.0 * SLOW_MACHINE, "nothing told")
        held[0] = running_server.start(own_server.data)
        try:
            seat.wait(lambda: last_link(seat) == "online", 12.0 * SLOW_MACHINE, "not back")
        finally:
            held[0].stop()


def test_a_line_that_breaks_again_and_again_loses_and_doubles_nothing(
    server: RunningServer, tmp_path: Path
) -> None:
    rng = random.Random(7)
    asked = order(tmp_path, rng, steps=150, seconds=0.02)
    with (
        ChaosProxy(server.port, Line(), rng) as proxy,
        seated(lambda: endpoint(server, proxy.port)) as seat,
    ):
        job_id = seat.client.submit(asked).result(30)
        seat.client.watch(job_id).result(30)
        for _ in range(3):
            seat.wait(lambda: last_link(seat) == "online", 30.0, "no line")
            proxy.reset()
            seat.wait(lambda: last_link(seat) == "reconnecting", 30.0, "not cut")
        seat.wait(lambda: bool(seat.end_of(job_id)), 60.0, "no end")
    assert seat.end_of(job_id) == "succeeded"
    seqs = [record.seq for record in seat.news[job_id]]
    assert seqs == list(range(1, len(seqs) + 1))


def test_what_the_backend_has_is_not_sent_again(server: RunningServer, tmp_path: Path) -> None:
    rng = random.Random(8)
    asked = order(tmp_path, rng, side=1200, steps=1)
    again = order(tmp_path, rng, images=[shot.image for shot in asked.shots], steps=1)
    with (
        ChaosProxy(server.port, Line(), rng) as proxy,
        seated(lambda: endpoint(server, proxy.port)) as seat,
    ):
        seat.client.submit(asked).result(30)
        first = proxy.passed
        seat.client.submit(again).result(30)
        second = proxy.passed - first
    size = sum(shot.image.stat().st_size for shot in asked.shots)
    assert first > size > 10 * 1024**2
    assert second <= 0.01 * first


def test_nothing_is_said_to_another_certificate(server: RunningServer, tmp_path: Path) -> None:
    """Somebody behind the same address counts the bytes that he is told."""
    context, _ = server_context(tmp_path)
    heard: list[bytes] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ports: list[int] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.read())
        except OSError:
            heard.append(b"")
        writer.transport.abort()

    async def serve() -> None:
        impostor = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
        ports.append(impostor.sockets[0].getsockname()[1])
        ready.set()
        while not heard:
            await asyncio.sleep(0.01)
        impostor.close()
        await asyncio.sleep(0.1)  # for the socket's own end

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    with seated(lambda: endpoint(server, ports[0])) as seat:
        seat.wait(lambda: last_link(seat) == "failed", 20.0, "not refused")
        with pytest.raises(load("shared.errors").NotAuthorised):
            seat.client.request(load("shared.messages").ListJobs()).result(10)
    thread.join()
    loop.close()
    assert heard == [b""]
