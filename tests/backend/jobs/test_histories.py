# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever people ask for, and becomes of workers and servers, a job stands where it should."""

from __future__ import annotations

import os

from drawn_histories import Histories
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from lightkiln_shared.jobs import JobAction

NUM, STEPS = int(os.environ.get("LIGHTKILN_HISTORIES", "20")), 50
"""Histories, and steps of each."""


def test_histories_drawn_by_lot_go_as_the_model_says() -> None:
    drawn = settings(
        max_examples=NUM,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Histories, settings=drawn)


def test_a_retry_that_is_refused_takes_no_wish_back() -> None:
    history = Histories()
    history.submit()
    for action in (JobAction.FINISH, JobAction.RETRY):
        history.the_queue_is_where_the_model_is()
        history.ask(action)
    history.the_queue_is_where_the_model_is()
    history.teardown()
