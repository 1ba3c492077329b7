# SPDX-License-Identifier: GPL-3.0-or-later
"""From phases, their shares and their steps to a fraction of the whole and the time left.

    fraction     = shares of the finished phases + share of this one * steps done / steps
    seconds left = seconds worked here * (1 - fraction) / fraction gained here

It must not know clocks (it is told the time), files or methods.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lightkiln_shared.jobs import Progress

FRACTION_BEFORE_ESTIMATE = 0.01
"""With less gained, the time left would jump about."""


@dataclass(slots=True)
class Meter:
    """The state of a run's progress."""

    started: float
    """The clock when this attempt began, seconds."""
    before: float = 0.0
    """Seconds of work in earlier attempts."""
    time_limit: float = 0.0
    """Seconds of work, earlier attempts included; 0: none."""
    phase: str = "starting"
    metrics: dict[str, float] = field(default_factory=dict)
    _base: float = 0.0
    _share: float = 0.0
    _step: int = 0
    _num_steps: int = 0
    _fraction: float = 0.0

    def begin_phase(self, name: str, share: float) -> None:
        """Enter a part of the work."""
        self.phase, self._share = name, share
        self._step = self._num_steps = 0

    def end_phase(self) -> None:
        """Its whole share is done, however many steps it took."""
        self._base = min(self._base + self._share, 1.0)
        self._share = 0.0

    def begin_steps(self, count: int) -> None:
        """Count the phase's steps from 0 to `count`."""
        self._step, self._num_steps = 0, count

    def step_done(self) -> None:
        """One step more."""
        self._step += 1

    def finish(self) -> None:
        """Everything is done, however much of it was skipped."""
        self._base, self._share = 1.0, 0.0

    def elapsed(self, now: float) -> float:
        """Seconds of work so far."""
        return self.before + now - self.started

    def fraction(self) -> float:
        """Part of the whole that is done, in [0, 1]; never less than before."""
        within = self._step / self._num_steps if self._num_steps else 0.0
        self._fraction = max(self._fraction, min(self._base + self._share * within, 1.0))
        return self._fraction

    def progress(self, now: float) -> Progress:
        """Everything, as it is told."""
        return Progress(
            phase=self.phase,
            step=self._step,
            num_steps=self._num_steps,
            fraction=self.fraction(),
            elapsed=self.elapsed(now),
            seconds_left=self._seconds_left(now),
            metrics=dict(self.metrics),
        )

    def _seconds_left(self, now: float) -> float:
        limit = self.time_limit - self.elapsed(now) if self.time_limit else -1.0
        fraction = self.fraction()
        if fraction < FRACTION_BEFORE_ESTIMATE:
            return max(limit, -1.0)
        left = (now - self.started) * (1.0 - fraction) / fraction
        return min(left, max(limit, 0.0)) if self.time_limit else left
