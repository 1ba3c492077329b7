# SPDX-License-Identifier: GPL-3.0-or-later
"""The `Run` of a job: what a method asks for, answered through the job's folder.

Everything happens between two steps, on the method's own thread: requests are read (at most every
50 ms), progress is told (10 times a second), pictures are drawn while somebody looks and states are
saved, both within a share of the run's time.
It must not know processes, the store or the wire.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import JobCancelled
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.jobs import RecordKind

from lightkiln.methods.spec import CheckpointState
from lightkiln.ops.picture import RenderedImage

from . import checkpoints
from .figures import Figures
from .folder import JobFolder, JobSpec
from .journal import Journal
from .previews import Previews
from .progress import Meter
from .requests import Requests

PROGRESS_EVERY = 0.1
CHECKPOINT_EVERY = 60.0
CHECKPOINT_FRACTION = 0.05
MAX_METRICS = 50
"""Figures that are told; all of them stand in the report."""
CHECKPOINT_COST = 0.02
"""Saving takes at most this share of the time."""


class Suspended(Exception):
    """Raised between two steps once the state is saved: a pause, or the owner is gone."""


class JobRun:
    """Satisfies `methods.spec.Run`."""

    def __init__(self, folder: JobFolder, spec: JobSpec, journal: Journal, device: str) -> None:
        self.seed = spec.seed
        self.device = device
        self.curves: list[dict[str, float]] = []
        """Every figure that was recorded, with its `seconds`."""
        self.seconds_of: dict[str, float] = {}
        """What each phase took."""
        self.warnings: list[str] = []
        self.notes: list[str] = []
        """What only the report says."""
        self.saves = True
        """False for a process whose states are another's too."""
        self.part = 1.0
        """Of the whole work that the shares of the phases begun now add up to."""
        self.kept_time = 0.0
        """Of the time limit, the part that is kept for what comes after the method."""
        self.requests = Requests(folder)
        self._folder, self._journal = folder, journal
        self.render_frame: Callable[[Camera], RenderedImage] | None = None
        """What the method offers for the scene's path, if it does."""
        self._loaded = checkpoints.load(folder.checkpoint)
        before = self._loaded.elapsed if self._loaded else 0.0
        now = time.monotonic()
        self._meter = Meter(started=now, before=before, time_limit=spec.time_limit)
        self._previews = Previews(folder, spec.job_id)
        self._figures = Figures(folder.figures)
        self._save: Callable[[], CheckpointState] | None = None
        self._saved_at, self._saved_fraction, self._save_took = now, 0.0, 0.0
        self._told_at = -math.inf

    # ------------------------------------------------------------ what a method calls

    @contextmanager
    def phase(self, name: str, share: float) -> Iterator[None]:
        start = time.monotonic()
        self._meter.begin_phase(name, share * self.part)
        self._journal.add(RecordKind.PHASE, name)
        self.tell()
        yield
        self._meter.end_phase()
        seconds = time.monotonic() - start
        self.seconds_of[name] = self.seconds_of.get(name, 0.0) + seconds

    def steps(self, count: int) -> Iterator[int]:
        for step in self.all_steps(count):
            if self.finishing:
                return
            yield step

    def record(self, **metrics: float) -> None:
        finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        for name in metrics.keys() - finite.keys():
            self.warn(f"The figure {name!r} is not a number in some steps.")
        self._meter.metrics = dict(list({**self._meter.metrics, **finite}.items())[:MAX_METRICS])
        seconds = self._meter.elapsed(time.monotonic())
        self.curves.append({"seconds": seconds, **finite})
        self._figures.add(seconds, self._meter.metrics)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
            self._journal.add(RecordKind.WARNING, text)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def preview(self, render: Callable[[Camera], RenderedImage | None]) -> None:
        self._previews.render = render

    def frames(self, render: Callable[[Camera], RenderedImage]) -> None:
        self.render_frame = render

    def preview_mesh(self, make: Callable[[], TriangleMesh | None]) -> None:
        self._previews.make_mesh = make

    def checkpoint(self, save: Callable[[], CheckpointState]) -> None:
        self._save = save if self.saves else None

    def resume(self) -> CheckpointState | None:
        if self._loaded is None:
            return None
        if self._loaded.torn:
            self.warn("The newest saved state was damaged; the one before it is used.")
        return self._loaded.arrays

    @property
    def finishing(self) -> bool:
        return self.requests.read().finish or self.seconds_left() <= 0.0

    def seconds_left(self) -> float:
        limit = self._meter.time_limit * (1.0 - self.kept_time)
        return limit - self._meter.elapsed(time.monotonic()) if limit else math.inf

    # ------------------------------------------------------------ what the worker calls

    def all_steps(self, count: int) -> Iterator[int]:
        """Like `steps`, for what must be done to its end even when somebody waits for the mesh."""
        self._meter.begin_steps(count)
        for step in range(count):
            self._between_steps()
            yield step
            self._meter.step_done()
        self._between_steps()

    def elapsed(self) -> float:
        """Seconds of work so far, earlier attempts included."""
        return self._meter.elapsed(time.monotonic())

    def tell(self) -> None:
        """Tell how far the run is."""
        self._told_at = time.monotonic()
        self._folder.write_progress(self._meter.progress(self._told_at))

    @property
    def newest_picture(self) -> RenderedImage | None:
        """The picture that was shown last, if somebody looked."""
        return self._previews.newest

    def tell_the_end(self) -> None:
        """Tell that all is done."""
        self._meter.finish()
        self.tell()

    # ------------------------------------------------------------ between two steps

    def _between_steps(self) -> None:
        asked = self.requests.read()
        if asked.cancel:
            raise JobCancelled("The job was cancelled.")
        if asked.pause or self.requests.owner_gone:
            self._suspend()
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_EVERY:
            self.tell()
        self._previews.serve(asked)
        if self._is_save_due(now):
            self._save_state()

    def _suspend(self) -> None:
        if self._save is not None:
            self._save_state()
        elif not self._folder.surface.exists():  # finishing a surface loses next to nothing
            self.warn("This method cannot save its state here: it will start over.")
        self.tell()
        raise Suspended

    def _is_save_due(self, now: float) -> bool:
        since = now - self._saved_at
        gained = self._meter.fraction() - self._saved_fraction
        affordable = since * CHECKPOINT_COST >= self._save_took
        return affordable and (since >= CHECKPOINT_EVERY or gained >= CHECKPOINT_FRACTION)

    def _save_state(self) -> None:
        if self._save is None:
            return
        start = time.monotonic()
        try:
            checkpoints.save(self._folder.checkpoint, self._save(), self._meter.elapsed(start))
        except OSError as error:
            self.warn(f"The run's state could not be saved: {error.strerror or error}.")
        else:
            self._journal.add(RecordKind.CHECKPOINT, self._meter.phase)
        self._saved_at = time.monotonic()
        self._saved_fraction, self._save_took = self._meter.fraction(), self._saved_at - start
