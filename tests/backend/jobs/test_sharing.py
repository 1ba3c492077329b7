# SPDX-License-Identifier: GPL-3.0-or-later
"""Several people and two devices: the real queue, over workers that go by a false clock."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lightkiln.executors import Slot
from lightkiln.jobs import rules as rules_module
from lightkiln.jobs.files import FileStores
from lightkiln.jobs.folder import JobFolder, JobSpec, WorkerEvent, create
from lightkiln.jobs.housekeeping import Housekeeping, disk_bytes
from lightkiln.jobs.queue import JobQueue
from lightkiln.jobs.rules import Rules
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import InvalidParams, OverQuota
from lightkiln_shared.jobs import JobAction, JobState, JobSummary, Priority, Progress, RecordKind
from lightkiln_shared.messages import Device
from lightkiln_shared.scene import Scene

SLOTS = tuple(
    Slot(device=Device(name=name, kind="cpu", memory_mb=1), visible=name) for name in "ab"
)
USERS = ("ann", "bob", "carl")


class FalseWorker:
    """Satisfies `WorkerHandle`: it ends when it is told to."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self.ended = asyncio.get_running_loop().create_future()

    def finish(self, elapsed: float) -> None:
        """As a worker does that has succeeded."""
        self.folder.write_progress(
            Progress(phase="", step=1, num_steps=1, fraction=1.0, elapsed=elapsed, seconds_left=0.0)
        )
        word = WorkerEvent(time=0.0, kind=RecordKind.STATE, text=JobState.SUCCEEDED)
        with self.folder.events.open("ab") as file:
            file.write(to_json(word) + b"\n")
        self.ended.set_result(0)

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)

    async def stop(self, grace: float) -> None:
        self.ended.done() or self.ended.set_result(0)

    async def kill(self, grace: float) -> None:
        await self.stop(grace)

    async def release(self) -> None:
        await self.stop(0.0)


@dataclass
class Box:
    """A queue, its clock and its workers. It satisfies `Executor`."""

    path: Path
    rules: Rules
    now: float = 0.0
    workers: dict[str, FalseWorker] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    queue: JobQueue = field(init=False)
    files: FileStores = field(init=False)

    def __post_init__(self) -> None:
        (self.path / "files").mkdir()
        self.files = FileStores(self.path / "files", 0)
        self.queue = JobQueue(
            self.path, self.files, self, SLOTS, self.rules, clock=lambda: self.now
        )

    async def start(self, folder: Path, slots: tuple[Slot, ...]) -> FalseWorker:
        self.began[folder.name] = self.now
        self.workers[folder.name] = FalseWorker(JobFolder(folder))
        return self.workers[folder.name]

    async def find(self, folder: Path) -> None:
        return None

    async def submit(self, owner: str) -> str:
        """A job of a client."""
        job_id = secrets.token_hex(8)
        spec = JobSpec(job_id=job_id, title="", method="visual-hull", preset="draft")
        create(self.queue.folder / job_id, spec, Scene(views=()), {})
        summary = JobSummary(
            **{"job_id": job_id, "title": "", "method": spec.method, "preset": spec.preset},
            **{"state": JobState.QUEUED, "reason": "", "progress": None},
            created=float(len(self.owners)),
        )
        self.owners[job_id] = owner
        await self.queue.add(summary, secrets.token_hex(16), owner)
        return job_id

    async def finish(self, job_id: str, seconds: float) -> None:
        """The clock goes on to the end of a job that has begun."""
        self.now = max(self.now, self.began[job_id] + seconds)
        self.workers.pop(job_id).finish(seconds)
        await until(lambda: self.is_off(job_id))

    async def is_off(self, job_id: str) -> bool:
        job = await self.queue.summary(job_id)
        return job.state.is_final and job_id not in self.queue.shares.running

    async def busy(self, count: int) -> None:
        """So many jobs have workers."""

        async def is_so() -> bool:
            return len(self.workers) == count

        await until(is_so)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def box(path: Path, rules: Rules | None = None) -> AsyncIterator[Box]:
    made = Box(path, rules or Rules())
    await made.queue.start()
    try:
        yield made
    finally:
        await made.queue.close()


@pytest.mark.parametrize("seconds", [(100.0, 100.0, 100.0), (300.0, 100.0, 100.0)], ids=str)
def test_three_people_with_ten_jobs_each_share_two_devices(
    tmp_path: Path, seconds: tuple[float, ...]
) -> None:
    """All of Ann's jobs came first, and in the second case they are three times as long."""
    takes = dict(zip(USERS, seconds, strict=True))
    longest = max(seconds)

    async def work() -> None:
        async with box(tmp_path) as made:
            for owner in USERS:
                for _ in range(10):
                    await made.submit(owner)
            ends: dict[str, float] = {}
            while len(ends) < 30:
                await made.busy(min(2, 30 - len(ends)))
                due = {job: made.began[job] + takes[made.owners[job]] for job in made.workers}
                job_id = min(due, key=lambda job: (due[job], job))
                await made.finish(job_id, takes[made.owners[job_id]])
                ends[job_id] = made.now
            assert_fair(made, ends, longest)

    asyncio.run(work())


def assert_fair(made: Box, ends: dict[str, float], longest: float) -> None:
    """Shares of device time while all three wait, and how long each had none."""
    of = {user: [job for job, owner in made.owners.items() if owner == user] for user in USERS}
    all_wait_until = min(max(made.began[job] for job in jobs) for jobs in of.values())
    moment = 3.0 * longest
    assert moment < all_wait_until
    while moment <= all_wait_until:
        used = [
            sum(max(min(ends[job], moment) - made.began[job], 0.0) for job in jobs)
            for jobs in of.values()
        ]
        assert max(used) / min(used) <= 1.5, (moment, used)
        moment += longest / 2.0
    for jobs in of.values():
        begins = sorted(made.began[job] for job in jobs)
        idle_since = [0.0, *sorted(ends[job] for job in jobs)]
        assert all(
            at - since <= 2.0 * longest for at, since in zip(begins, idle_since[:-1], strict=True)
        )


def test_who_waits_knows_its_place_and_when_it_will_begin(tmp_path: Path) -> None:
    async def work() -> None:
        async with box(tmp_path) as made:
            first, second = [await made.submit("ann") for _ in range(2)]
            await made.busy(2)
            waiting = [await made.submit(owner) for owner in ("ann", "ann", "bob")]
            places = [await made.queue.summary(job) for job in waiting]
            assert [job.position for job in places] == [2, 3, 1], "Bob has used nothing yet"
            assert [job.starts_in for job in places] == [-1.0] * 3, "nobody knows how long"
            await made.finish(first, 60.0)
            await made.busy(2)
            made.now += 10.0
            made.queue.shares.changed()
            places = [await made.queue.summary(job) for job in waiting]
            assert [job.position for job in places] == [1, 2, 0], "it is Bob's turn"
            # The second job has had its 60 s already, so nobody knows when it ends; Bob's has 50.
            assert [job.starts_in for job in places][:2] == [50.0, 110.0]
            assert made.workers.keys() == {second, waiting[2]}

    asyncio.run(work())


def test_the_owner_lets_a_job_go_first_and_another_last(tmp_path: Path) -> None:
    async def work() -> None:
        async with box(tmp_path) as made:
            for _ in range(2):
                await made.submit("ann")
            await made.busy(2)
            low, normal, high = [await made.submit("bob") for _ in range(3)]
            await made.queue.set_priority(low, Priority.LOW)
            await made.queue.set_priority(high, Priority.HIGH)
            assert [job.job_id for job in await made.queue.shares.line()] == [high, normal, low]

    asyncio.run(work())


def test_deleting_jobs_gives_nobody_a_turn(tmp_path: Path) -> None:
    async def work() -> None:
        async with box(tmp_path) as made:
            done = [await made.submit("ann") for _ in range(2)]
            await made.busy(2)
            waiting = [await made.submit(owner) for owner in ("ann", "bob")]
            await made.queue.control(waiting[0], JobAction.PAUSE)
            await made.queue.control(waiting[1], JobAction.PAUSE)
            for job_id in done:
                await made.finish(job_id, 500.0)
                await made.queue.control(job_id, JobAction.DELETE)
            assert await made.queue.shares.used("ann") == pytest.approx(1000.0, rel=0.1)
            made.now += 3600.0
            assert await made.queue.shares.used("ann") == pytest.approx(500.0, rel=0.1)

    asyncio.run(work())


def test_one_client_does_not_take_all_devices_if_it_may_not(tmp_path: Path) -> None:
    async def work() -> None:
        async with box(tmp_path, Rules(running_jobs=1)) as made:
            anns = [await made.submit("ann") for _ in range(2)]
            await made.busy(1)
            bobs = await made.submit("bob")
            await made.busy(2)
            assert made.workers.keys() == {anns[0], bobs}

    asyncio.run(work())


def test_old_jobs_make_room_and_kept_ones_do_not(tmp_path: Path) -> None:
    """Three finished jobs of 400 kB each where a client may take a bit over 1 MB."""

    async def work() -> None:
        rules = Rules(disk_gib=0.0012, finished_jobs=1)
        async with box(tmp_path, rules) as made:
            keeping = Housekeeping(made.queue, made.files, rules)
            jobs = [await made.submit("ann") for _ in range(3)]
            for job_id in jobs:
                (made.queue.folder / job_id / "artifacts" / "mesh.ply").write_bytes(
                    os.urandom(400_000)
                )
            for count, job_id in enumerate(jobs):
                await made.busy(min(2, 3 - count))
                await made.finish(job_id, 1.0)
            await keeping.keep(jobs[0], "ann", kept=True)
            with pytest.raises(OverQuota, match="keep 1 jobs already"):
                await keeping.keep(jobs[1], "ann", kept=True)
            await keeping.admit_bytes("", 10**12)  # the owner's disk is the owner's
            await keeping.admit_bytes("ann", 300_000)
            left = [job.job_id for job in await made.queue.newest(9, "ann")]
            assert left == [jobs[2], jobs[0]]
            with pytest.raises(OverQuota, match="do not fit"):
                await keeping.admit_bytes("ann", 1_000_000)
            assert [job.job_id for job in await made.queue.newest(9, "ann")] == [jobs[0]]
            assert (await keeping.taken("ann")).disk_bytes == pytest.approx(401_000, rel=0.02)

    asyncio.run(work())


def test_a_sweep_takes_what_is_old_and_nothing_of_the_owners(tmp_path: Path) -> None:
    async def work() -> None:
        rules = Rules(keep_days=1e-9)
        async with box(tmp_path, rules) as made:
            keeping = Housekeeping(made.queue, made.files, rules)
            owners, anns = await made.submit(""), await made.submit("ann")
            await made.busy(2)
            waiting = await made.submit("ann")
            for job_id in (owners, anns):
                await made.finish(job_id, 1.0)
            unused = made.files.of("ann").folder / ("a" * 64)
            fresh = made.files.of("ann").folder / ("b" * 64)
            for path in (unused, fresh):
                path.write_bytes(b"x")
            week_ago = time.time() - 8 * 24 * 3600
            os.utime(unused, (week_ago, week_ago))
            await asyncio.sleep(0.01)
            await keeping.sweep()
            assert [job.job_id for job in await made.queue.newest(9, "")] == [owners]
            assert [job.job_id for job in await made.queue.newest(9, "ann")] == [waiting]
            assert (unused.exists(), fresh.exists()) == (False, True)

    asyncio.run(work())


def test_a_file_with_several_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_bytes(b"x" * 1000)
    os.link(tmp_path / "one" / "file", tmp_path / "one" / "again")
    (tmp_path / "one" / "far").symlink_to("/")
    assert disk_bytes([tmp_path / "one", tmp_path / "nowhere"]) == 1000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("disk_gib = -1", "out of range"),
        ("disk_gb = 5", "no parameter 'disk_gb'"),
        ("disk_gib = '5'", "wrong type"),
        ("disk_gib = ", "cannot be read"),
        ("[disk]\ngib = 5", "no parameter 'disk'"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / rules_module.FILE).write_text(text)
    with pytest.raises(InvalidParams, match=says):
        rules_module.read(tmp_path)


def test_rules_that_are_not_written_have_their_defaults(tmp_path: Path) -> None:
    assert rules_module.read(tmp_path) == Rules()
    (tmp_path / rules_module.FILE).write_text("disk_gib = 5\nkeep_days = 7.5\n")
    assert rules_module.read(tmp_path) == Rules(disk_gib=5.0, keep_days=7.5)
