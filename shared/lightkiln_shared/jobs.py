# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides say of a job. It must not know how a job is run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

JOB_ID = re.compile(r"[0-9a-f]{16}")
"""The form of every job's id, made by the server."""


class JobState(StrEnum):
    """Where a job stands; `docs/protocol.md` draws the transitions."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    FINISHING = "finishing"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True if the job's work is over; only a retry leads on from here."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

    @property
    def is_active(self) -> bool:
        """True while a worker is busy with it."""
        return self in _ACTIVE


_ACTIVE = (JobState.RUNNING, JobState.PAUSING, JobState.FINISHING, JobState.CANCELLING)


class JobAction(StrEnum):
    """What a person may ask of a job."""

    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class Priority(StrEnum):
    """How a job stands to those of others, as the backend's owner says."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """The higher goes first."""
        return (Priority.LOW, Priority.NORMAL, Priority.HIGH).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come."""

    phase: str
    step: int
    """Steps done in this phase."""
    num_steps: int
    """Steps of this phase; 0: not known."""
    fraction: float
    """Of the whole job, in [0, 1]."""
    elapsed: float
    """Seconds of work so far, earlier attempts included."""
    seconds_left: float
    """Estimate; negative: not known yet."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The newest figures: `loss`, `psnr`, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """A line of the job list."""

    job_id: str
    title: str
    method: str
    preset: str
    state: JobState
    reason: str
    """Why it failed or waits; empty otherwise."""
    created: float
    """Unix seconds."""
    progress: Progress | None
    priority: Priority = Priority.NORMAL
    kept: bool = False
    """It is not deleted to make room."""
    position: int = 0
    """Its place among all that wait, other clients' jobs included; 1 is next, 0: it waits not."""
    starts_in: float = -1.0
    """Seconds until it will probably begin; negative: not known."""


class RecordKind(StrEnum):
    """Kinds of durable records."""

    STATE = "state"
    PHASE = "phase"
    WARNING = "warning"
    CHECKPOINT = "checkpoint"
    RETRY = "retry"
    ARTIFACT = "artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """Something that happened to a job and must not be forgotten: numbered without gaps."""

    seq: int
    """1, 2, 3, ... within the job."""
    time: float
    """Unix seconds."""
    kind: RecordKind
    text: str
    """The new state, the phase's name, the warning's sentence, the artifact's name."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a job leaves."""

    name: str
    """`mesh.glb`, ...; lower-case letters, digits, `.`, `_` and `-`."""
    size: int
    """Bytes."""
    sha256: str
