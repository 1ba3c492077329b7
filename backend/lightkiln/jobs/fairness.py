# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose job is next, and when it will probably begin. Pure: numbers in, numbers out.

    account = sum over device seconds used: 2^(-age / half-life)        what was used lately
              + for each job that is worked on: max(seconds so far, cost)
    cost    = median seconds of finished jobs of the same kind, or `UNKNOWN_COST`

A free device goes to the highest priority that waits, in it to the client with the smallest
account, of that client's jobs to the oldest. The whole line is reckoned as if each job that comes
to its turn charged its cost at once; so nobody gets a second turn while another's first is due.
It must not know clocks, stores or processes.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

UNKNOWN_COST = 600.0
"""Seconds that a job of a kind that never finished here is reckoned with."""
MAX_SAMPLES = 20
"""Of the newest finished jobs of a kind: older ones ran with other versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job in the line."""

    job_id: str
    owner: str
    rank: int
    """Of its priority; the highest goes first."""
    created: float
    """Unix seconds."""
    seconds: float
    """What it will probably take; infinity: not known."""
    slots: tuple[int, ...] = ()
    """The devices that it may use, by number."""

    @property
    def cost(self) -> float:
        """What its client is charged when it begins."""
        return self.seconds if math.isfinite(self.seconds) else UNKNOWN_COST


def decayed(seconds: float, age: float, half_life: float) -> float:
    """What is left of a charge after some time; a clock that was set back takes nothing off."""
    return float(seconds * 2.0 ** (-max(age, 0.0) / half_life))


def fair_order(waiting: Iterable[Waiting], accounts: Mapping[str, float]) -> tuple[Waiting, ...]:
    """The line: who would be next, one after the other."""
    lines: defaultdict[str, list[Waiting]] = defaultdict(list)
    for job in waiting:
        lines[job.owner].append(job)
    for line in lines.values():
        line.sort(key=lambda job: (-job.rank, job.created, job.job_id), reverse=True)  # next: last
    heads = [_turn(line[-1], accounts.get(owner, 0.0)) for owner, line in lines.items()]
    heapq.heapify(heads)
    order: list[Waiting] = []
    while heads:
        _, account, _, _, owner = heapq.heappop(heads)
        job = lines[owner].pop()
        order.append(job)
        if lines[owner]:
            heapq.heappush(heads, _turn(lines[owner][-1], account + job.cost))
    return tuple(order)


def expected_starts(
    order: Sequence[Waiting],
    free_in: Sequence[float],
    ends: Mapping[str, Sequence[float]],
    max_running: int,
) -> dict[str, float]:
    """Seconds until each job of the line begins; infinity: not known.

    `free_in`: seconds until each device is free. `ends`: seconds until the jobs of each client that
    are worked on end, of which it may have `max_running`.
    """
    free = list(free_in)
    ending = {owner: list(seconds) for owner, seconds in ends.items()}
    starts: dict[str, float] = {}
    for job in order:
        of_owner = sorted(ending.setdefault(job.owner, []))
        allowed = of_owner[-max_running] if len(of_owner) >= max_running else 0.0
        slot = min(job.slots, key=free.__getitem__, default=None)
        start = math.inf if slot is None else max(free[slot], allowed)
        starts[job.job_id] = start
        if slot is not None:
            free[slot] = start + job.seconds
            ending[job.owner].append(free[slot])
    return starts


def typical_seconds(
    finished: Iterable[tuple[tuple[str, ...], float]],
) -> dict[tuple[str, ...], float]:
    """The median for each kind of job, from kinds and seconds, the newest first."""
    samples: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for kind, seconds in finished:
        if len(samples[kind]) < MAX_SAMPLES:
            samples[kind].append(seconds)
    return {kind: median(values) for kind, values in samples.items()}


def _turn(job: Waiting, account: float) -> tuple[int, float, float, str, str]:
    """What is compared between the clients' next jobs; the smallest goes first."""
    return -job.rank, account, job.created, job.job_id, job.owner
