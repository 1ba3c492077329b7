# SPDX-License-Identifier: GPL-3.0-or-later
"""What each client may take of a real server, and that one who wants too much bothers nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
import running_server
from lightkiln_shared.access import ListClients, RevokeClient
from lightkiln_shared.errors import LightkilnError, OverQuota
from lightkiln_shared.jobs import JobAction, Priority
from lightkiln_shared.messages import ControlJob, ListJobs
from lightkiln_shared.sharing import (
    AskLoad,
    AskUsage,
    KeepJob,
    ListAllJobs,
    ListUsages,
    SetPriority,
)
from pairing_client import paired
from running_server import RunningServer
from wire_client import Client, connected, submission

RULES = """
unfinished_jobs = 3
disk_gib = 0.005
connections = 6
submits_per_minute = 12
"""
LONG = {"steps": 100_000, "seconds": 0.01}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("box") / "data"
    data.mkdir()
    (data / "sharing.toml").write_text(RULES)
    running = running_server.start(data)
    yield running
    running.stop()


@asynccontextmanager
async def client_of(box: RunningServer, name: str) -> AsyncIterator[tuple[Client, str]]:
    """A client of its own, sent away with all that it has left at the end."""
    token = await paired(box, name)
    async with connected(box.port, token) as client:
        yield client, token
    async with connected(box.port, box.token) as owner:
        for each in (await owner.ask(ListClients())).clients:
            if each.name == name:
                await owner.ask(RevokeClient(client_id=each.client_id))


def test_a_client_has_so_many_unfinished_jobs_and_no_more(box: RunningServer, scene: Path) -> None:
    async def ask() -> None:
        async with client_of(box, "ann") as (ann, _):
            sha256 = await ann.send_scene(scene)
            jobs = [await ann.submit(sha256, **LONG) for _ in range(3)]
            with pytest.raises(OverQuota, match="3 jobs here that are not over"):
                await ann.submit(sha256)
            usage = await ann.ask(AskUsage())
            assert (usage.taken.unfinished, usage.max_unfinished) == (3, 3)
            assert 0 < usage.taken.disk_bytes < usage.max_disk_bytes
            await ann.ask(ControlJob(job_id=jobs[2], action=JobAction.CANCEL))
            another = await ann.submit(sha256)
            with pytest.raises(OverQuota):
                await ann.ask(ControlJob(job_id=jobs[2], action=JobAction.RETRY))
            listed = {job.job_id: job for job in (await ann.ask(ListJobs())).jobs}
            assert [listed[job].position for job in (jobs[1], another)] == [1, 2]
            await check_the_owner_says(another, jobs[2])

    async def check_the_owner_says(waiting: str, kept: str) -> None:
        async with connected(box.port, box.token) as owner:
            await owner.ask(SetPriority(job_id=waiting, priority=Priority.HIGH))
            everybodys = {each.job.job_id: each for each in (await owner.ask(ListAllJobs())).jobs}
            assert everybodys[waiting].client == "ann"
            assert (everybodys[waiting].job.position, everybodys[kept].job.kept) == (1, False)
            usages = (await owner.ask(ListUsages())).usages
            assert usages[0].client_id == ""
            assert sum(each.taken.unfinished for each in usages) == 3

    asyncio.run(ask())


def test_a_client_that_is_sent_away_leaves_nothing(box: RunningServer, scene: Path) -> None:
    async def ask() -> None:
        async with client_of(box, "bob") as (bob, _):
            sha256 = await bob.send_scene(scene)
            done = await bob.submit(sha256, steps=2)
            await bob.ask(KeepJob(job_id=done, kept=True))
            await bob.submit(sha256, **LONG)
        left = [box.data / "jobs", box.data / "files"]
        async with asyncio.timeout(30):
            while any(path.is_file() for folder in left for path in folder.rglob("*")):
                await asyncio.sleep(0.1)

    asyncio.run(ask())


def test_a_client_takes_so_much_disk_and_no_more(box: RunningServer) -> None:
    async def ask() -> None:
        async with client_of(box, "carl") as (carl, _):
            for byte in (b"a", b"b"):
                await carl.upload(byte * 2_000_000)
            with pytest.raises(OverQuota, match=r"may take 0\.005 GiB"):
                await carl.upload(b"c" * 2_000_000)
            data = b"d" * 2_000_000
            with pytest.raises(OverQuota):  # nor without asking first
                await carl.put("0" * 64, data, 0)
            await carl.upload(b"e" * 100_000)

    asyncio.run(ask())


def test_a_client_has_so_many_connections_and_no_more(box: RunningServer) -> None:
    async def ask() -> None:
        async with client_of(box, "dora") as (_, token), AsyncExitStack() as others:
            for _ in range(5):
                await others.enter_async_context(connected(box.port, token))
            with pytest.raises(OverQuota, match="6 connections"):
                async with connected(box.port, token):
                    pass
            await others.aclose()
            async with asyncio.timeout(5):
                while True:
                    with suppress(OverQuota):
                        async with connected(box.port, token) as again:
                            await again.ask(ListJobs())
                            return
                    await asyncio.sleep(0.05)

    asyncio.run(ask())


def test_a_flood_of_jobs_and_cancels_is_limited_and_bothers_nobody(
    box: RunningServer, scene: Path
) -> None:
    """Five connections say all they may at once, submits and cancels in turn."""

    async def ask() -> None:
        async with client_of(box, "eve") as (eve, token), client_of(box, "frank") as (frank, _):
            sha256 = await eve.send_scene(scene)
            job_id = await eve.submit(sha256, **LONG)
            flooding = asyncio.create_task(flood(token, sha256, job_id))
            waits = []
            while not flooding.done() or len(waits) < 20:
                begin = time.monotonic()
                load = await frank.ask(AskLoad())
                waits.append(time.monotonic() - begin)
                assert load.running <= len(load.devices)
                await asyncio.sleep(0.02)
            answers = await flooding
            accepted = sum(not isinstance(answer, BaseException) for answer in answers)
            refused = [answer for answer in answers if isinstance(answer, LightkilnError)]
            assert accepted < 100
            assert len(refused) > 1000
            assert all(isinstance(answer, (OverQuota, ConnectionError)) for answer in refused)
            assert quantiles(waits, n=10)[-1] <= 0.25, sorted(waits)[-5:]

    async def flood(token: str, sha256: str, job_id: str) -> list[Any]:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(connected(box.port, token)) for _ in range(5)
            ]
            asked = [
                client.ask(request)
                for _ in range(150)
                for client in clients
                for request in (
                    submission(sha256),
                    ControlJob(job_id=job_id, action=JobAction.CANCEL),
                )
            ]
            return await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(ask())
