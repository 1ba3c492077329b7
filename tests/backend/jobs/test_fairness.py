# SPDX-License-Identifier: GPL-3.0-or-later
"""The line before the devices: against an oracle that looks at everything anew for each turn."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkiln.jobs.fairness import (
    UNKNOWN_COST,
    Waiting,
    decayed,
    expected_starts,
    fair_order,
    typical_seconds,
)

OWNERS = ("", "ann", "bob")


def job(number: int, owner: str, **more: float) -> Waiting:
    about = {"rank": 1, "created": float(number), "seconds": math.inf, **more}
    return Waiting(job_id=f"{number:04}", owner=owner, slots=(0,), **about)  # type: ignore[arg-type]


def lines() -> st.SearchStrategy[list[Waiting]]:
    one = st.tuples(
        st.sampled_from(OWNERS),
        st.integers(0, 2),
        st.integers(0, 5),
        st.one_of(st.just(math.inf), st.integers(0, 100).map(float)),
    )
    return st.lists(one, max_size=25).map(
        lambda rows: [
            job(number, owner, rank=rank, created=float(created), seconds=seconds)
            for number, (owner, rank, created, seconds) in enumerate(rows)
        ]
    )


accounts = st.dictionaries(st.sampled_from(OWNERS), st.integers(0, 500).map(float))


@given(lines(), accounts)
def test_each_turn_is_the_best_of_all_that_still_wait(
    waiting: list[Waiting], used: dict[str, float]
) -> None:
    left, charged, oracle = list(waiting), defaultdict(float, used), []
    while left:
        top = [each for each in left if each.rank == max(other.rank for other in left)]
        least = min(charged[each.owner] for each in top)
        of_least = [each for each in top if charged[each.owner] == least]
        turn = min(of_least, key=lambda each: (each.created, each.job_id))
        oracle.append(turn.job_id)
        charged[turn.owner] += turn.seconds if turn.seconds < math.inf else UNKNOWN_COST
        left.remove(turn)
    assert [each.job_id for each in fair_order(waiting, used)] == oracle


@given(st.lists(st.integers(1, 12), min_size=2, max_size=3))
def test_nobody_gets_a_second_turn_before_all_have_had_their_first(numbers: list[int]) -> None:
    waiting = [
        job(100 * owner + number, OWNERS[owner])
        for owner, count in enumerate(numbers)
        for number in range(count)
    ]
    turns: defaultdict[str, int] = defaultdict(int)
    left = {OWNERS[owner]: count for owner, count in enumerate(numbers)}
    for each in fair_order(waiting, {}):
        turns[each.owner] += 1
        left[each.owner] -= 1
        still = [turns[owner] for owner, count in left.items() if count]
        assert max(turns.values()) - min(still, default=max(turns.values())) <= 1


def test_what_was_used_is_forgotten_by_halves() -> None:
    assert decayed(80.0, 3 * 3600.0, 3600.0) == pytest.approx(10.0)
    assert decayed(80.0, -5.0, 3600.0) == 80.0


@given(lines(), st.lists(st.integers(0, 100).map(float), min_size=1, max_size=3))
def test_no_device_is_promised_to_two_jobs_at_once(
    waiting: list[Waiting], free_in: list[float]
) -> None:
    known = [each for each in waiting if each.seconds < math.inf]
    slots = tuple(range(len(free_in)))
    order = [
        Waiting(job_id=e.job_id, owner=e.owner, rank=1, created=0.0, seconds=e.seconds, slots=slots)
        for e in known
    ]
    starts = expected_starts(order, free_in, {}, max_running=2)
    assert all(after >= 0.0 for after in starts.values())
    moments = sorted(starts.values())
    for moment in moments:
        busy = [e for e in order if starts[e.job_id] <= moment < starts[e.job_id] + e.seconds]
        assert len(busy) <= sum(free <= moment for free in free_in)
        of_owners = [sum(e.owner == owner for e in busy) for owner in OWNERS]
        assert max(of_owners) <= 2
    if len(free_in) == 1:
        in_order = [starts[e.job_id] for e in order]
        assert all(before <= after for before, after in pairwise(in_order))


def test_what_is_not_known_is_not_promised() -> None:
    order = [job(1, "ann", seconds=math.inf), job(2, "bob", seconds=5.0)]
    assert expected_starts(order, [3.0], {}, 8) == {"0001": 3.0, "0002": math.inf}
    assert expected_starts(order, [math.inf], {}, 8)["0001"] == math.inf
    nowhere = Waiting(job_id="x", owner="", rank=1, created=0.0, seconds=1.0)
    assert expected_starts([nowhere], [0.0], {}, 8) == {"x": math.inf}


def test_a_kind_takes_the_median_of_its_newest() -> None:
    kind, other = ("kiln", "draft", ""), ("kiln", "high", "")
    finished = [(kind, seconds) for seconds in (50.0, 10.0, 60.0)] + [(other, 9.0)]
    finished += [(kind, 50.0)] * 17 + [(kind, 1e6)] * 100
    assert typical_seconds(finished) == {kind: 50.0, other: 9.0}
