# SPDX-License-Identifier: GPL-3.0-or-later
"""A run with no job behind it, for scripts, tests and debuggers: it keeps what it is told.

It must not know jobs' folders, processes or the wire.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.ops.picture import RenderedImage

from .spec import CheckpointState


@dataclass(slots=True)
class PhaseRecord:
    """What a phase took."""

    name: str
    share: float
    """What the method promised: its part of the whole, in [0, 1]."""
    seconds: float = 0.0
    num_steps: int = 0


class DetachedRun:
    """Satisfies `spec.Run`; `phases`, `metrics`, `warnings` and `notes` are the record.

    `finish()` is what a person's "finish now" would be; `time_limit` (seconds from construction)
    does the same by the clock. What a method offers (pictures, meshes, states) is kept as offered,
    in `render`, `render_frame`, `make_mesh` and `save`, for the caller to call.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        device: str = "cpu",
        time_limit: float = math.inf,
        state: CheckpointState | None = None,
    ) -> None:
        self.seed = seed
        self.device = device
        self.phases: list[PhaseRecord] = []
        self.metrics: list[dict[str, float]] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.render: Callable[[Camera], RenderedImage | None] = lambda camera: None
        self.render_frame: Callable[[Camera], RenderedImage] | None = None
        self.make_mesh: Callable[[], TriangleMesh | None] = lambda: None
        self.save: Callable[[], CheckpointState] | None = None
        self._state = state
        self._deadline = time.monotonic() + time_limit
        self._finish_asked = False

    @contextmanager
    def phase(self, name: str, share: float) -> Iterator[None]:
        record = PhaseRecord(name, share)
        self.phases.append(record)
        start = time.monotonic()
        try:
            yield
        finally:
            record.seconds = time.monotonic() - start

    def steps(self, count: int) -> Iterator[int]:
        for step in range(count):
            if self.finishing:
                return
            yield step
            if self.phases:
                self.phases[-1].num_steps += 1

    def record(self, **metrics: float) -> None:
        self.metrics.append(metrics)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def preview(self, render: Callable[[Camera], RenderedImage | None]) -> None:
        self.render = render

    def frames(self, render: Callable[[Camera], RenderedImage]) -> None:
        self.render_frame = render

    def preview_mesh(self, make: Callable[[], TriangleMesh | None]) -> None:
        self.make_mesh = make

    def checkpoint(self, save: Callable[[], CheckpointState]) -> None:
        self.save = save

    def resume(self) -> CheckpointState | None:
        return self._state

    def finish(self) -> None:
        """End the steps early, as "finish now" does."""
        self._finish_asked = True

    @property
    def finishing(self) -> bool:
        return self._finish_asked or self.seconds_left() <= 0.0

    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()
