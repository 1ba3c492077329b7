# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes on their way to the server."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
import running_server
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import InvalidParams, InvalidScene, LightkilnError, UnknownMethod
from lightkiln_shared.messages import FileOffer, OfferFiles, PutFile
from lightkiln_shared.scene import Scene
from running_server import RunningServer
from wire_client import Client, connected, submission, talk


async def wanted(client: Client, data: bytes) -> list[int]:
    offer = FileOffer(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    return [file.offset for file in (await client.ask(OfferFiles(files=(offer,)))).files]


def test_an_upload_that_is_cut_goes_on_where_it_ended(server: RunningServer) -> None:
    data = os.urandom(3_000_000)
    sha256 = hashlib.sha256(data).hexdigest()

    async def begin(client: Client) -> None:
        assert await wanted(client, data) == [0]
        bulk = client.session.announce(len(data))
        request = PutFile(sha256=sha256, size=len(data), offset=0, bulk=bulk)
        client.writer.write(client.session.request(request)[1])
        await client.stream(bulk.stream, data[:1_700_000], 100_000)

    async def end(client: Client) -> None:
        for _ in range(100):  # the server may still be writing what it had received
            (offset,) = await wanted(client, data)
            if offset == 1_700_000:
                break
            await asyncio.sleep(0.02)
        assert 1_000_000 < offset <= 1_700_000
        await client.put(sha256, data, offset)
        assert await wanted(client, data) == []

    talk(server, begin)
    talk(server, end)
    assert (server.data / "files" / sha256).read_bytes() == data


def test_many_files_travel_at_once_and_none_twice(server: RunningServer) -> None:
    files = [os.urandom(200_000 + i) for i in range(12)]

    async def talking(client: Client) -> None:
        await asyncio.gather(*(client.upload(data, pieces=30_000) for data in files))
        for data in files:
            assert await wanted(client, data) == []

    talk(server, talking)


def test_wrong_bytes_are_refused_and_the_connection_lives(server: RunningServer) -> None:
    data = os.urandom(1_500_000)
    sha256 = hashlib.sha256(data).hexdigest()

    async def talking(client: Client) -> None:
        with pytest.raises(InvalidScene, match="changed on its way"):
            await client.put(sha256, bytes(len(data)), 0)
        with pytest.raises(InvalidScene, match="another place"):
            await client.put(sha256, data, 1000)
        with pytest.raises(LightkilnError, match="hexadecimal"):
            await client.put("../" + "0" * 61, data, 0)
        await client.put(sha256, data, 0)
        assert await wanted(client, data) == []

    talk(server, talking)


def test_an_empty_file_is_a_file(server: RunningServer) -> None:
    async def talking(client: Client) -> None:
        await client.upload(b"")
        assert await wanted(client, b"") == []

    talk(server, talking)


def test_what_is_wrong_with_a_job_is_said_before_it_is_queued(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        with pytest.raises(UnknownMethod, match="no method 'magic'"):
            await client.submit(sha256, method="magic")
        with pytest.raises(InvalidParams, match="no parameter 'stepz'"):
            await client.submit(sha256, stepz=3)
        with pytest.raises(InvalidParams, match="steps=0 is out of range"):
            await client.submit(sha256, steps=0)
        with pytest.raises(InvalidParams, match="no preset 'best'"):
            await client.submit(sha256, preset="best")
        with pytest.raises(InvalidScene, match="not on the backend"):
            await client.submit("0" * 64)
        no_views = await client.upload(to_json(Scene(views=())))
        with pytest.raises(InvalidScene, match="no views"):
            await client.submit(no_views)
        no_scene = await client.upload(b"{}")
        with pytest.raises(LightkilnError, match="views"):
            await client.submit(no_scene)
        with pytest.raises(LightkilnError, match="UUID"):
            await client.ask(submission(sha256, request_id="../../etc"))

    talk(server, talking)


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:

    running = running_server.start(tmp_path / "data", "--min-free-mb", str(10**9))
    try:

        async def talking() -> None:
            async with connected(running.port, running.token) as client:
                with pytest.raises(LightkilnError, match="disk is too full") as refusal:
                    await client.upload(b"some bytes")
                assert refusal.value.code == "resource"
                assert "free space" in refusal.value.hint

        asyncio.run(talking())
    finally:
        running.stop()
