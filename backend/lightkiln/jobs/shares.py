# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has used the devices, who is using them, and what `fairness` makes of it.

What was used lately outlasts the jobs that used it and a restart, so that deleting a job, or
submitting a thousand, moves nobody forward.
It must not know folders, processes or the wire.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from lightkiln_shared.errors import InvalidParams, ResourceError
from lightkiln_shared.jobs import JobState
from lightkiln_shared.messages import Device

from lightkiln.executors import Slot
from lightkiln.executors.devices import chosen
from lightkiln.methods.registry import discover, spec_named

from . import fairness
from .attempt import Attempt
from .fairness import Waiting
from .ledger import Ledger
from .rules import Rules
from .store import JobStore, StoredJob

Typical = dict[tuple[str, ...], float]
"""Seconds by kind of job."""
HOUR = 3600.0
OUTLOOK_SECONDS = 1.0
MAX_FINISHED = 1000
"""Of the newest succeeded jobs, to reckon with."""


@dataclass(slots=True, eq=False)
class Work:
    """A job on its devices, as it was when it came there."""

    job: StoredJob
    slots: tuple[Slot, ...]
    attempt: Attempt
    since: float
    """The clock when it began."""

    def seconds(self, now: float) -> float:
        """What it has used until now, of all its devices."""
        return max(now - self.since, 0.0) * len(self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a job stands that waits."""

    position: int
    """1 is next, of all clients' jobs."""
    starts_in: float
    """Seconds; negative: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """A device and the job on it."""

    device: Device
    job_id: str
    """Empty: it is free."""


class Shares:
    """The line of jobs before the devices."""

    def __init__(
        self,
        ledger: Ledger,
        slots: tuple[Slot, ...],
        rules: Rules,
        clock: Callable[[], float],
    ) -> None:
        self.rules = rules
        self.running: dict[str, Work] = {}
        self._ledger, self._slots, self._clock = ledger, slots, clock
        self._outlooks: dict[str, Outlook] = {}
        self._outlooks_due = 0.0

    def begin(self, job: StoredJob, slots: tuple[Slot, ...], attempt: Attempt) -> Work:
        """A job begins on some devices."""
        work = Work(job, slots, attempt, self._clock())
        self.running[job.job_id] = work
        return work

    async def end(self, work: Work) -> None:
        """It is on its device no more: its client is charged."""
        del self.running[work.job.job_id]
        now, owner = self._clock(), work.job.owner
        used = work.seconds(now)
        with contextlib.suppress(ResourceError):  # a full disk holds nobody's device
            await self._ledger.do(charge, self._ledger.store, owner, used, now, self._half_life)

    def free_slots(self, job: StoredJob, free: list[Slot]) -> tuple[Slot, ...]:
        """The free devices that a job may begin on; `UnknownMethod` if its method has gone."""
        spec_named(job.summary.method)
        busy = sum(work.job.owner == job.owner for work in self.running.values())
        if job.job_id in self.running or (job.owner and busy >= self.rules.running_jobs):
            return ()
        usable = usable_slots(job.summary.method, self._slots)
        return tuple(self._slots[n] for n in usable if self._slots[n] in free)

    async def used(self, owner: str) -> float:
        """The device seconds that a client has used of late."""
        used = await self._ledger.do(_used, self._ledger.store)
        seconds, at = used.get(owner, (0.0, 0.0))
        now = self._clock()
        busy = sum(w.seconds(now) for w in self.running.values() if w.job.owner == owner)
        return fairness.decayed(seconds, now - at, self._half_life) + busy

    def check_devices(self, method: str, count: int) -> None:
        """`InvalidParams` if no machine has so many devices for one job of a method."""
        usable = tuple(self._slots[n] for n in usable_slots(method, self._slots))
        if usable and not chosen(usable, count):
            raise InvalidParams(
                f"No machine of this backend has {count} devices.", hint="Ask for fewer devices."
            )

    def device_use(self) -> tuple[DeviceUse, ...]:
        """Every device, and the job on it."""
        on = {slot: job_id for job_id, work in self.running.items() for slot in work.slots}
        return tuple(DeviceUse(device=slot.device, job_id=on.get(slot, "")) for slot in self._slots)

    async def line(self) -> tuple[StoredJob, ...]:
        """The jobs that wait, the next one first."""
        queued, order, _ = await self._line()
        jobs = {job.job_id: job for job in queued}
        return tuple(jobs[each.job_id] for each in order)

    async def as_they_stand(self, jobs: tuple[StoredJob, ...]) -> tuple[StoredJob, ...]:
        """The same jobs, with how far those are that run, and how those stand that wait."""
        waits = any(job.state is JobState.QUEUED for job in jobs)
        outlooks = await self.outlooks() if waits else {}
        return tuple(self._as_it_stands(job, outlooks) for job in jobs)

    async def outlooks(self) -> dict[str, Outlook]:
        """How each job stands that waits; reckoned at most once a second unless it has changed."""
        if time.monotonic() >= self._outlooks_due:
            self._outlooks_due = time.monotonic() + OUTLOOK_SECONDS
            self._outlooks = await self._reckoned()
        return self._outlooks

    def changed(self) -> None:
        """Jobs have come, gone or moved in the line."""
        self._outlooks_due = 0.0

    def _as_it_stands(self, job: StoredJob, outlooks: dict[str, Outlook]) -> StoredJob:
        summary, work = job.summary, self.running.get(job.job_id)
        if work is not None:
            summary = replace(summary, progress=work.attempt.progress)
        elif job.job_id in outlooks and job.state is JobState.QUEUED:
            outlook = outlooks[job.job_id]
            summary = replace(summary, position=outlook.position, starts_in=outlook.starts_in)
        return replace(job, summary=summary)

    async def _reckoned(self) -> dict[str, Outlook]:
        _, order, typical = await self._line()
        ends: defaultdict[str, list[float]] = defaultdict(list)
        for work in self.running.values():
            if work.job.owner:
                ends[work.job.owner].append(self._left(work, typical))
        busy = {
            slot: self._left(work, typical) for work in self.running.values() for slot in work.slots
        }
        free_in = [busy.get(slot, 0.0) for slot in self._slots]
        starts = fairness.expected_starts(order, free_in, ends, self.rules.running_jobs)
        return {
            job.job_id: Outlook(position=place, starts_in=_told(starts[job.job_id]))
            for place, job in enumerate(order, 1)
        }

    async def _line(self) -> tuple[tuple[StoredJob, ...], tuple[Waiting, ...], Typical]:
        queued, used, typical = await self._ledger.do(_facts, self._ledger.store)
        now = self._clock()
        accounts: defaultdict[str, float] = defaultdict(float)
        for owner, (seconds, at) in used.items():
            accounts[owner] = fairness.decayed(seconds, now - at, self._half_life)
        for work in self.running.values():
            cost = typical.get(work.job.kind, fairness.UNKNOWN_COST)
            accounts[work.job.owner] += max(work.seconds(now), cost * len(work.slots))
        waiting = [self._waiting(job, typical) for job in queued if job.job_id not in self.running]
        return queued, fairness.fair_order(waiting, accounts), typical

    def _waiting(self, job: StoredJob, typical: Typical) -> Waiting:
        done = job.summary.progress.elapsed if job.summary.progress is not None else 0.0
        return Waiting(
            job_id=job.job_id,
            owner=job.owner,
            rank=job.summary.priority.rank,
            created=job.summary.created,
            seconds=max(typical.get(job.kind, math.inf) - done, 0.0),
            slots=usable_slots(job.summary.method, self._slots),
        )

    def _left(self, work: Work, typical: Typical) -> float:
        """Seconds until a job is off its device; infinity: not known."""
        progress = work.attempt.progress
        if progress is not None and progress.seconds_left >= 0.0:
            return progress.seconds_left
        before = work.job.summary.progress
        done = self._clock() - work.since + (before.elapsed if before is not None else 0.0)
        left = typical.get(work.job.kind, math.inf) - done
        return left if left > 0.0 else math.inf

    @property
    def _half_life(self) -> float:
        return self.rules.forget_hours * HOUR


def usable_slots(method: str, slots: tuple[Slot, ...]) -> tuple[int, ...]:
    """The devices of the best kind that a method can use, by number; none if it has gone."""
    found = discover().get(method)
    kinds = () if found is None or found.spec is None else found.spec.devices
    usable = [number for number, slot in enumerate(slots) if slot.device.kind in kinds]
    return tuple(n for n in usable if slots[n].device.kind == slots[usable[0]].device.kind)


def charge(store: JobStore, owner: str, seconds: float, now: float, half_life: float) -> None:
    """Add to what a client has used, in the store's thread."""
    before, at = _used(store).get(owner, (0.0, now))
    total = fairness.decayed(before, now - at, half_life) + max(seconds, 0.0)
    with store.database.transaction() as database:
        database.execute("INSERT OR REPLACE INTO usage VALUES (?, ?, ?)", (owner, total, now))


def _used(store: JobStore) -> dict[str, tuple[float, float]]:
    """What each client had used, seconds, and when that was reckoned."""
    return {owner: (s, at) for owner, s, at in store.database.rows("SELECT * FROM usage")}


def _facts(
    store: JobStore,
) -> tuple[tuple[StoredJob, ...], dict[str, tuple[float, float]], Typical]:
    """The jobs that wait, what was used, and how long jobs take, which only a line is asked for."""
    queued = store.in_state(JobState.QUEUED)
    finished = store.finished(MAX_FINISHED) if queued else ()
    return queued, _used(store), fairness.typical_seconds(finished)


def _told(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else -1.0
