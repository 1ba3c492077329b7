# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, sizes and what a backend says, in words for a terminal. It must not know commands."""

from __future__ import annotations

import time

from lightkiln_shared.jobs import JobState, JobSummary

MAX_SHOWN = 300


def shown(text: str) -> str:
    """What a backend says, as it may be written to a terminal: no control characters, not much."""
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_SHOWN])


def left(seconds: float) -> str:
    """What is left of a run; empty: not known."""
    return "" if seconds < 0.0 else f"{int(seconds) // 60}:{int(seconds) % 60:02} left"


def duration(seconds: float) -> str:
    """`40 s`, `5 min`, `3 h`, `2 d`."""
    if seconds < 60.0:
        return f"{seconds:.0f} s"
    minutes = seconds / 60.0
    if minutes < 60.0:
        return f"{minutes:.0f} min"
    return f"{minutes / 60.0:.0f} h" if minutes < 48.0 * 60.0 else f"{minutes / 1440.0:.0f} d"


def ago(moment: float) -> str:
    """How long ago a moment was, Unix seconds."""
    return f"{duration(max(time.time() - moment, 0.0))} ago"


def size(count: float) -> str:
    """Bytes: `20 kB`, `3 MB`, `1.5 GB`."""
    if count < 1e6:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def waiting(job: JobSummary) -> str:
    """How a job waits: its place in the line, and when it will probably begin."""
    if not job.position:
        return "waits"
    start = "start unknown" if job.starts_in < 0.0 else f"starts in about {duration(job.starts_in)}"
    return f"waits as number {job.position}, {start}"


def standing(job: JobSummary) -> str:
    """How a job stands, in some words."""
    if job.state is JobState.QUEUED:
        return waiting(job)
    if job.state.is_active and job.progress is not None:
        percent = f"{job.state} {job.progress.fraction:.0%}"
        return f"{percent}, {left(job.progress.seconds_left)}".removesuffix(", ")
    return str(job.state)
