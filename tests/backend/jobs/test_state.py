# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of states, over every history of five events that can happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lightkiln.jobs.state import TABLE, Effect, Happening, JobEvent, advance
from lightkiln_shared.errors import LightkilnError, UnknownJob
from lightkiln_shared.jobs import JobAction, JobState

EVENTS: tuple[JobEvent, ...] = (*(a for a in JobAction if a != "delete"), *Happening)
Step = tuple[JobState, JobEvent, JobState, tuple[Effect, ...]]


def histories(length: int, state: JobState = JobState.QUEUED) -> Iterator[tuple[Step, ...]]:
    """Every sequence of that many events, whether they change anything or not."""
    if length == 0:
        yield ()
        return
    for event in EVENTS:
        try:
            after, effects = advance(state, event)
        except LightkilnError:
            continue  # a person is told so, or it is a bug of the machinery
        for rest in histories(length - 1, after):
            yield ((state, event, after, effects), *rest)


HISTORIES = tuple(histories(5))


def test_there_are_many_histories_and_every_state_is_reached() -> None:
    assert len(HISTORIES) > 5000
    assert {step[2] for history in HISTORIES for step in history} == set(JobState)


def test_a_final_state_is_left_by_a_retry_only() -> None:
    for history in HISTORIES:
        for before, event, after, _ in history:
            if before.is_final and after is not before:
                assert event is JobAction.RETRY
                assert before is not JobState.SUCCEEDED


def test_a_cancelled_job_ends_cancelled_whatever_its_worker_says() -> None:
    for history in HISTORIES:
        cancelling = False
        for _, event, after, _ in history:
            cancelling = after is JobState.CANCELLING or (
                cancelling and event is not JobAction.RETRY
            )
            if cancelling:
                assert after in (JobState.CANCELLING, JobState.CANCELLED)


def test_a_worker_is_started_only_where_none_is_busy_and_asked_only_where_one_is() -> None:
    for history in HISTORIES:
        for before, event, after, effects in history:
            if event is Happening.STARTED and after.is_active:
                assert before is JobState.QUEUED
            if after.is_active and not before.is_active:
                assert event is Happening.STARTED
            asks_a_worker = {Effect.ASK_PAUSE, Effect.ASK_CANCEL} & set(effects)
            if asks_a_worker:
                assert before.is_active


def test_each_attempt_has_at_most_one_end() -> None:
    for history in HISTORIES:
        attempt, ends = 1, set[int]()
        for before, _, after, effects in history:
            if after.is_final and after is not before:
                assert attempt not in ends
                ends.add(attempt)
            attempt += Effect.NEW_ATTEMPT in effects


def test_asking_twice_is_no_error() -> None:
    for (state, event), (after, _) in TABLE.items():
        if isinstance(event, JobAction) and event is not JobAction.FINISH:
            assert advance(after, event) == (after, ())
        if state is JobState.RUNNING and event is JobAction.FINISH:
            assert advance(after, event) == (after, ())


def test_what_cannot_be_asked_says_what_can() -> None:
    with pytest.raises(UnknownJob, match=r"succeeded job .* Possible now: delete"):
        advance(JobState.SUCCEEDED, JobAction.PAUSE)
    with pytest.raises(UnknownJob, match=r"Possible now: resume, finish, cancel, delete"):
        advance(JobState.PAUSED, JobAction.RETRY)


def test_what_cannot_happen_is_a_bug() -> None:
    with pytest.raises(LightkilnError, match="cannot have"):
        advance(JobState.RUNNING, Happening.STARTED)
