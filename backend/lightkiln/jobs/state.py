# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a job may go from where it stands: one table, no I/O.

What people ask for and cannot have is an error they are told. What a worker says too late is
ignored. What neither can happen nor come late is a bug, and raises.
It must not know stores, folders or processes.
"""

from __future__ import annotations

from enum import StrEnum

from lightkiln_shared.errors import LightkilnError, UnknownJob
from lightkiln_shared.jobs import JobAction, JobState


class Happening(StrEnum):
    """What the machinery says of a job."""

    STARTED = "started"
    """A device is free and the worker is being started."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The worker ended without a word."""
    ORPHANED = "orphaned"
    """The server ended, and the worker with it: nothing that the job is to blame for."""
    NEEDS_LESS = "queued"
    """Memory was full, and the worker wants to begin anew with less."""


class Effect(StrEnum):
    """What the queue has to do after a step."""

    ASK_PAUSE = "ask_pause"
    ASK_FINISH = "ask_finish"
    ASK_CANCEL = "ask_cancel"
    """Ask, and use force if the worker does not end."""
    NEW_ATTEMPT = "new_attempt"
    """The next start is another attempt."""


JobEvent = JobAction | Happening
Step = tuple[JobState, tuple[Effect, ...]]
_A, _H, _S, _E = JobAction, Happening, JobState, Effect

TABLE: dict[tuple[JobState, JobEvent], Step] = {
    (_S.QUEUED, _H.STARTED): (_S.RUNNING, ()),
    (_S.QUEUED, _A.PAUSE): (_S.PAUSED, ()),
    (_S.QUEUED, _A.CANCEL): (_S.CANCELLED, ()),
    (_S.QUEUED, _H.FAILED): (_S.FAILED, ()),
    (_S.RUNNING, _A.PAUSE): (_S.PAUSING, (_E.ASK_PAUSE,)),
    (_S.RUNNING, _A.FINISH): (_S.FINISHING, (_E.ASK_FINISH,)),
    (_S.RUNNING, _A.CANCEL): (_S.CANCELLING, (_E.ASK_CANCEL,)),
    (_S.PAUSING, _A.CANCEL): (_S.CANCELLING, (_E.ASK_CANCEL,)),
    (_S.FINISHING, _A.CANCEL): (_S.CANCELLING, (_E.ASK_CANCEL,)),
    (_S.PAUSED, _A.RESUME): (_S.QUEUED, ()),
    (_S.PAUSED, _A.FINISH): (_S.QUEUED, (_E.ASK_FINISH,)),
    (_S.PAUSED, _A.CANCEL): (_S.CANCELLED, ()),
    (_S.FAILED, _A.RETRY): (_S.QUEUED, (_E.NEW_ATTEMPT,)),
    (_S.CANCELLED, _A.RETRY): (_S.QUEUED, (_E.NEW_ATTEMPT,)),
    # A worker's last word; whoever is being cancelled ends cancelled, whatever the worker says.
    **{
        (state, ended): (then, (_E.NEW_ATTEMPT,))
        for state, then in (
            (_S.RUNNING, _S.QUEUED),
            (_S.FINISHING, _S.QUEUED),
            (_S.PAUSING, _S.PAUSED),
        )
        for ended in (_H.LOST, _H.ORPHANED, _H.NEEDS_LESS)
    },
    # A job that nobody has asked to pause has found its disk full.
    **{
        (state, last_word): (JobState(last_word.value), ())
        for state in (_S.RUNNING, _S.PAUSING, _S.FINISHING)
        for last_word in (_H.SUCCEEDED, _H.FAILED, _H.PAUSED)
    },
    **{
        (_S.CANCELLING, last_word): (_S.CANCELLED, ())
        for last_word in _H
        if last_word is not _H.STARTED
    },
}

_ALREADY: dict[JobAction, tuple[JobState, ...]] = {
    JobAction.PAUSE: (_S.PAUSING, _S.PAUSED),
    JobAction.RESUME: (_S.QUEUED, _S.RUNNING),
    JobAction.FINISH: (_S.FINISHING, _S.SUCCEEDED),
    JobAction.CANCEL: (_S.CANCELLING, _S.CANCELLED),
    JobAction.RETRY: (_S.QUEUED, _S.RUNNING),
}
"""Where an action has had its effect before: asking twice is no error."""


def advance(state: JobState, event: JobEvent) -> Step:
    """Return the next state and what is to be done; `UnknownJob` if an action is not possible."""
    if (state, event) in TABLE:
        return TABLE[state, event]
    if isinstance(event, JobAction):
        if state in _ALREADY.get(event, ()):
            return state, ()
        raise UnknownJob(f"A {state} job cannot do this: {event}.", hint=_hint(state))
    if state.is_active:
        raise LightkilnError(f"a {state} job cannot have {event}")
    return state, ()  # a worker's word that came too late


def _hint(state: JobState) -> str:
    possible = [event.value for at, event in TABLE if at is state and isinstance(event, JobAction)]
    if not state.is_active:
        possible.append(JobAction.DELETE.value)
    return f"Possible now: {', '.join(possible)}."
