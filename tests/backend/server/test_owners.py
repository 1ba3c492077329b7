# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose is what: every request by everyone who must not make it, on a real server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import running_server
from lightkiln_shared import sharing
from lightkiln_shared.access import (
    FOR_THE_OWNER,
    OPENING,
    BeginPairing,
    FinishPairing,
    ListClients,
    OpenPairing,
    RevokeClient,
)
from lightkiln_shared.errors import InvalidScene, LightkilnError, NotAuthorised, UnknownJob
from lightkiln_shared.jobs import JobAction, Priority
from lightkiln_shared.messages import (
    BY_KIND,
    Bulk,
    ControlJob,
    DescribeJob,
    FileOffer,
    FinishAgain,
    Hello,
    JobRecorded,
    ListArtifacts,
    ListJobs,
    ListMethods,
    LookFrom,
    OfferFiles,
    PutFile,
    ReadArtifact,
    Request,
    SubmitJob,
    UnwatchJob,
    WatchJob,
)
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
from wire_client import Client, connected, followed, submission, unwelcome

UUID = "0" * 32
NOTHING = Bulk(stream=1, size=0)
REQUESTS: dict[type[Request[Any]], dict[str, Any]] = {
    Hello: {"protocols": (1,), "client": "tests", "token": "x" * 40},
    BeginPairing: {"protocols": (1,), "client": "tests", "nonce": "0" * 64},
    FinishPairing: {"proof": "0" * 64},
    OpenPairing: {},
    ListClients: {},
    RevokeClient: {"client_id": "0" * 16},
    ListMethods: {},
    AskLoad: {},
    OfferFiles: {"files": ()},
    PutFile: {"sha256": "0" * 64, "size": 0, "offset": 0, "bulk": NOTHING},
    SubmitJob: {
        **{"request_id": UUID, "title": "", "method": "counter", "preset": "standard"},
        **{"params": {}, "scene": "0" * 64},
    },
    FinishAgain: {"request_id": UUID, "finish": {}},
    ListJobs: {},
    DescribeJob: {},
    WatchJob: {},
    UnwatchJob: {},
    ControlJob: {"action": JobAction.CANCEL},
    LookFrom: {"camera": None},
    ListArtifacts: {},
    ReadArtifact: {"name": "mesh.ply"},
    AskUsage: {},
    KeepJob: {"kept": True},
    ListAllJobs: {},
    SetPriority: {"priority": Priority.HIGH},
    ListUsages: {},
}
"""What is in each request, the id of a job left out."""
KINDS = sorted(REQUESTS, key=lambda cls: cls.kind)
NAMES = [cls.kind for cls in KINDS]
WITH_A_JOB = [cls for cls in KINDS if any(field.name == "job_id" for field in fields(cls))]  # type: ignore[arg-type]
OF_THE_OWNER = (*FOR_THE_OWNER, *sharing.FOR_THE_OWNER)
OF_A_JOB = [cls for cls in WITH_A_JOB if cls not in OF_THE_OWNER]


def request(cls: type[Request[Any]], job_id: str) -> Request[Any]:
    more = {"job_id": job_id} if cls in WITH_A_JOB else {}
    return cls(**REQUESTS[cls], **more)


def test_no_request_was_forgotten() -> None:
    assert set(REQUESTS) == {cls for cls in BY_KIND.values() if issubclass(cls, Request)}
    assert len(OF_A_JOB) == 9


@dataclass
class House:
    """A server with two clients; a job of the one waits behind another of hers."""

    server: RunningServer
    tokens: dict[str, str]
    scene: Path
    job_id: str
    request_id: str
    scene_sha: str

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[Client]:
        async with connected(self.server.port, self.tokens[name]) as client:
            yield client


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, scene: Path) -> Iterator[House]:
    server = running_server.start(tmp_path_factory.mktemp("house") / "data")

    async def furnish() -> House:
        tokens = {name: await paired(server, name) for name in ("ann", "bob")}
        request_id = str(uuid.uuid4())
        async with connected(server.port, tokens["ann"]) as ann:
            sha256 = await ann.send_scene(scene)
            accepted = await ann.ask(submission(sha256, request_id, steps=3))
            await ann.ask(WatchJob(job_id=accepted.job_id))
            await ann.until(accepted.job_id, "succeeded")
        tokens["owner"] = server.token
        return House(server, tokens, scene, accepted.job_id, request_id, sha256)

    yield asyncio.run(furnish())
    server.stop()


async def all_about(house: House) -> tuple[Any, ...]:
    """Everything that Ann can see of her job."""
    async with house.client("ann") as ann:
        jobs = await ann.ask(ListJobs())
        await ann.ask(WatchJob(job_id=house.job_id))
        last = await ann.event(JobRecorded, lambda event: event.record.text == "succeeded")
        return jobs, await ann.ask(ListArtifacts(job_id=house.job_id)), last


@pytest.mark.parametrize("who", ["bob", "owner"])
@pytest.mark.parametrize("cls", OF_A_JOB, ids=lambda cls: cls.kind)
def test_a_job_of_another_is_as_if_it_were_not(
    house: House, cls: type[Request[Any]], who: str
) -> None:
    async def look() -> None:
        before = await all_about(house)
        async with house.client(who) as stranger:
            said = []
            for job_id in (house.job_id, "0123456789abcdef"):
                with pytest.raises(UnknownJob) as caught:
                    await stranger.ask(request(cls, job_id))
                said.append(str(caught.value))
            assert said[0] == said[1], "not even that it exists"
            assert stranger.events == []
        assert await all_about(house) == before

    asyncio.run(look())


@pytest.mark.parametrize("action", JobAction)
def test_no_action_reaches_a_job_of_another(house: House, action: JobAction) -> None:
    async def act() -> None:
        before = await all_about(house)
        async with house.client("bob") as bob:
            with pytest.raises(UnknownJob):
                await bob.ask(ControlJob(job_id=house.job_id, action=action))
        assert await all_about(house) == before

    asyncio.run(act())


@pytest.mark.parametrize("cls", OF_THE_OWNER, ids=lambda cls: cls.kind)
def test_what_is_the_owners_is_refused_to_clients(house: House, cls: type[Request[Any]]) -> None:
    async def ask() -> None:
        async with house.client("owner") as owner:
            before = await owner.ask(ListClients())
        async with house.client("bob") as bob:
            with pytest.raises(NotAuthorised, match="Only the backend's owner"):
                await bob.ask(request(cls, house.job_id))
        async with house.client("owner") as owner:
            assert (await owner.ask(ListClients())).code_seconds == 0.0
            after = await owner.ask(ListClients())
        names = [(client.client_id, client.name) for client in before.clients]
        assert names == [(client.client_id, client.name) for client in after.clients]

    asyncio.run(ask())


@pytest.mark.parametrize("cls", KINDS, ids=NAMES)
def test_who_has_said_no_hello_is_answered_nothing(house: House, cls: type[Request[Any]]) -> None:
    """A wrong hello and a pairing without a code are refused too, each in its words."""

    async def ask() -> None:
        before = await all_about(house)
        stranger = await unwelcome(house.server.port)
        refusals = (LightkilnError, ConnectionError)
        with pytest.raises(refusals) as caught:
            await stranger.ask(request(cls, house.job_id))
        if isinstance(caught.value, LightkilnError):
            assert issubclass(cls, (Hello, *OPENING))
            assert isinstance(caught.value, NotAuthorised)
        await asyncio.wait_for(stranger.is_over.wait(), 5)
        await stranger.close()
        assert await all_about(house) == before

    asyncio.run(ask())


@pytest.mark.parametrize("who", ["bob", "owner"])
def test_lists_and_files_are_apart(house: House, who: str) -> None:
    """Who knows the hash of a file does not have the file."""

    async def look() -> None:
        async with house.client(who) as other:
            assert (await other.ask(ListJobs())).jobs == ()
            size = len(stored(house))
            offer = FileOffer(sha256=house.scene_sha, size=size)
            wanted = await other.ask(OfferFiles(files=(offer,)))
            assert [file.sha256 for file in wanted.files] == [house.scene_sha]
            with pytest.raises(InvalidScene, match="not on the backend"):
                await other.submit(house.scene_sha)

    asyncio.run(look())


def test_how_busy_the_backend_is_is_told_to_all_its_clients(house: House) -> None:
    async def look() -> None:
        async with house.client("ann") as ann, house.client("bob") as bob:
            idle = await bob.ask(AskLoad())
            assert (idle.running, idle.queued) == (0, 0)
            assert all(0 <= each.free_mb <= each.device.memory_mb for each in idle.devices)
            sha256 = await ann.send_scene(house.scene)
            jobs = [
                await followed(ann, sha256, steps=10_000, seconds=0.01)
                for _ in range(len(idle.devices) + 1)
            ]
            await ann.until(jobs[0], "running")
            busy = await bob.ask(AskLoad())
            assert (busy.running, busy.queued) == (len(idle.devices), 1)
            for job_id in reversed(jobs):
                await ann.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
                await ann.until(job_id, "cancelled")
                await ann.ask(ControlJob(job_id=job_id, action=JobAction.DELETE))

    asyncio.run(look())


def stored(house: House) -> bytes:
    (path,) = house.server.data.glob(f"files/*/{house.scene_sha}")
    return path.read_bytes()


def test_a_request_id_of_another_makes_a_job_of_ones_own(house: House) -> None:
    async def submit() -> None:
        async with house.client("bob") as bob:
            sha256 = await bob.send_scene(house.scene)
            accepted = await bob.ask(submission(sha256, house.request_id, steps=3))
            assert accepted.job_id != house.job_id
            again = await bob.ask(submission(sha256, house.request_id, steps=3))
            assert again == accepted
            await bob.ask(WatchJob(job_id=accepted.job_id))
            await bob.until(accepted.job_id, "succeeded")
            await bob.ask(ControlJob(job_id=accepted.job_id, action=JobAction.DELETE))
        async with house.client("ann") as ann:
            (job,) = (await ann.ask(ListJobs())).jobs
            assert job.job_id == house.job_id

    asyncio.run(submit())


def test_a_revoked_client_is_out_at_once_and_its_work_ends(house: House) -> None:
    async def revoke() -> None:
        token = await paired(house.server, "carl")
        async with connected(house.server.port, token) as carl:
            sha256 = await carl.send_scene(house.scene)
            job_id = await followed(carl, sha256, steps=10_000, seconds=0.01)
            await carl.until(job_id, "running")
            async with house.client("owner") as owner:
                listed = (await owner.ask(ListClients())).clients
                (gone,) = [client for client in listed if client.name == "carl"]
                await owner.ask(RevokeClient(client_id=gone.client_id))
                assert gone not in (await owner.ask(ListClients())).clients
            await asyncio.wait_for(carl.is_over.wait(), 5)
            assert "pairing of this client has ended" in carl.closed_because
        with pytest.raises(NotAuthorised, match="does not accept this token"):
            async with connected(house.server.port, token):
                pass
        async with house.client("bob") as bob:  # the device is free again
            other = await followed(bob, await bob.send_scene(house.scene), steps=3)
            await bob.until(other, "succeeded")

    asyncio.run(revoke())
