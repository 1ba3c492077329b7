# SPDX-License-Identifier: GPL-3.0-or-later
"""A client's whole visit, while the server or a worker dies at one place of its work with files.

Whatever dies, the visit goes on: what was answered has happened, what was not answered is asked
again. In the end nothing that was accepted may be missing, doubled or damaged.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import running_server
import trimesh
from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import JobAction, JobRecord, JobSummary
from lightkiln_shared.messages import (
    ControlJob,
    ListArtifacts,
    ListJobs,
    SubmitJob,
    WatchJob,
)
from running_server import RunningServer
from wire_client import Client, connected, submission

FINAL = ("succeeded", "failed", "cancelled")
LOST = (OSError, TimeoutError, EOFError)
STEPS = 25
PATIENCE = 300.0
FAIL_POINTS = Path(__file__).parent / "fail_points"


@contextmanager
def failing(**asked: object) -> Iterator[None]:
    """Servers and workers that are started inside it have the fail point: see `sitecustomize`."""
    changed = {
        "LIGHTKILN_FAIL": json.dumps(asked),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(FAIL_POINTS), os.getenv("PYTHONPATH")))),
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@dataclass
class Visit:
    """Two jobs, one of them paused and resumed, the other deleted."""

    data: Path
    scene: Path
    fail: dict[str, Any]
    """Who dies where: see `sitecustomize`."""
    restarts: int = 0
    slowest_start: float = 0.0
    """Seconds from the start of a server to its listening."""
    records: dict[str, list[JobRecord]] = field(default_factory=dict)

    @property
    def marks(self) -> Path:
        """The places at which somebody has died, as files."""
        return self.data.parent / "marks"

    def run(self) -> None:
        """Raises `AssertionError` if anything that was promised is not so."""
        self.marks.mkdir(parents=True)
        self._server = self._started()
        try:
            asyncio.run(asyncio.wait_for(self._whole(), PATIENCE))
            self._server.stop()
            self._check_disk()
        finally:
            if self._server.process.poll() is None:
                self._server.kill()
        self._no_process_is_left()

    async def _whole(self) -> None:
        first = submission("", request_id=str(uuid.uuid4()), preset="draft")
        second = submission("", request_id=str(uuid.uuid4()), steps=STEPS, seconds=0.01)
        early = await self._insist(lambda client: self._ordered(client, first))
        await self._insist(lambda client: self._followed(client, early))
        late = await self._insist(lambda client: self._ordered(client, second))
        await self._insist(lambda client: self._paused_and_resumed(client, late))
        await self._insist(lambda client: self._followed(client, late))
        await self._insist(lambda client: self._deleted(client, early))
        await self._insist(lambda client: self._is_whole(client, late))

    async def _insist(self, part):  # type: ignore[no-untyped-def]
        while True:
            try:
                async with connected(self._server.port, self._server.token) as client:
                    return await part(client)
            except LOST:
                if self._server.process.poll() is not None:
                    self._server = self._started()
                    self.restarts += 1

    def _started(self) -> RunningServer:
        start = time.monotonic()
        for _ in range(1 + len(self.fail.get("places", {}))):  # it may die while it starts
            fail = failing(folder=str(self.data), marks=str(self.marks), **self.fail)
            with fail, contextlib.suppress(json.JSONDecodeError):
                running = running_server.start(self.data)
                self.slowest_start = max(self.slowest_start, time.monotonic() - start)
                return running
            start = time.monotonic()
        raise AssertionError((self.data.parent / "server.log").read_text()[-2000:])

    async def _ordered(self, client: Client, asked: SubmitJob) -> str:
        scene = await client.send_scene(self.scene)
        values = {name: getattr(asked, name) for name in ("request_id", "preset", "params")}
        order = SubmitJob(**values, title="a test", method="counter", scene=scene, time_limit=0.0)
        job_id = (await client.ask(order)).job_id
        assert (await client.ask(order)).job_id == job_id
        return job_id

    async def _paused_and_resumed(self, client: Client, job_id: str) -> None:
        await self._until(client, job_id, lambda job: job.state != "queued" and has_begun(job))
        with contextlib.suppress(UnknownJob):  # it was faster, or this is the second time
            await client.ask(ControlJob(job_id=job_id, action=JobAction.PAUSE))
        settled = ("paused", *FINAL)
        await self._until(client, job_id, lambda job: job.state in settled)
        with contextlib.suppress(UnknownJob):
            await client.ask(ControlJob(job_id=job_id, action=JobAction.RESUME))

    async def _until(
        self, client: Client, job_id: str, holds: Callable[[JobSummary], bool]
    ) -> None:
        while True:
            for job in (await client.ask(ListJobs())).jobs:
                if job.job_id == job_id and holds(job):
                    return
            await asyncio.sleep(0.03)

    async def _followed(self, client: Client, job_id: str) -> None:
        await client.ask(WatchJob(job_id=job_id))
        last = await client.until(job_id, *FINAL)
        assert last.record.text == "succeeded", last.record.reason
        records = [event.record for event in client.records(job_id)]
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        assert sum(record.text in FINAL for record in records) == 1
        before = self.records.get(job_id, [])
        assert records[: len(before)] == before
        self.records[job_id] = records

    async def _deleted(self, client: Client, job_id: str) -> None:
        with contextlib.suppress(UnknownJob):  # deleted, but nobody was told
            await client.ask(ControlJob(job_id=job_id, action=JobAction.DELETE))

    async def _is_whole(self, client: Client, job_id: str) -> None:
        jobs = (await client.ask(ListJobs())).jobs
        assert [job.job_id for job in jobs] == [job_id]
        listed = (await client.ask(ListArtifacts(job_id=job_id))).artifacts
        assert Counter(a.name for a in listed)["mesh.ply"] == 1
        for artifact in listed:
            assert len(await client.artifact(job_id, artifact.name)) == artifact.size
        ply = io.BytesIO(await client.artifact(job_id, "mesh.ply"))
        counted = trimesh.load(ply, file_type="ply", process=False).vertices[0][0]
        assert counted == STEPS, "a step is missing, or was counted twice"

    def _check_disk(self) -> None:
        with contextlib.closing(sqlite3.connect(self.data / "jobs.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert len(list((self.data / "jobs").iterdir())) == 1
        torn = [path for path in self.data.rglob(".*new*") if path.is_file()]
        assert not torn, torn

    def _no_process_is_left(self) -> None:
        deadline = time.monotonic() + 10.0
        while left := [p for p in psutil.process_iter(["cmdline"]) if self._is_ours(p)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    def _is_ours(self, process: psutil.Process) -> bool:
        return any(str(self.data) in word for word in process.info["cmdline"] or [])


def has_begun(job: JobSummary) -> bool:
    """True once steps are done, or nothing is being done any more."""
    is_at_work = job.state in ("running", "pausing")
    return not is_at_work or (job.progress is not None and job.progress.step > 0)


def places(data: Path, scene: Path, role: str) -> Counter[str]:
    """Every place at which a server or its workers do something to a file, and how often.

    `role` is `serve` or `worker`. The folder of `data` is used too.
    """
    log = data.parent / "places"
    Visit(data, scene, {"role": role, "log": str(log)}).run()
    return Counter(log.read_text().splitlines())
