# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a job in: checks everything that can be checked without decoding an image, then keeps it.

It must not know the wire's frames or how jobs are run.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lightkiln_shared.codec import from_json
from lightkiln_shared.errors import InvalidParams, InvalidScene, MalformedMessage
from lightkiln_shared.finish import Finish
from lightkiln_shared.jobs import JobState, JobSummary
from lightkiln_shared.messages import FinishAgain, SubmitJob
from lightkiln_shared.params import build
from lightkiln_shared.scene import Scene

from lightkiln.methods.registry import params_for, spec_named
from lightkiln.methods.spec import Need

from .files import FileStore, FileStores
from .folder import SURFACE, JobFolder, JobSpec, create
from .housekeeping import Housekeeping
from .needs import check_what_is_given
from .prior import prior_of
from .queue import JobQueue
from .ranks import num_asked

REQUEST_ID = re.compile(r"[0-9a-fA-F-]{32,36}")
MAX_SCENE_BYTES = 64 * 1024**2
MAX_TITLE = 200
NUM_SEEDS = 2**31
"""Blender's integers have no more."""


class Intake:
    """The door through which jobs come."""

    def __init__(self, queue: JobQueue, files: FileStores, housekeeping: Housekeeping) -> None:
        self._queue, self._files, self._housekeeping = queue, files, housekeeping
        self._one_at_a_time = asyncio.Lock()

    async def submit(self, asked: SubmitJob, owner: str) -> str:
        """Return the id of the job, which is on disk then; a repeat gets the first answer."""
        files = self._files.of(owner)
        return await self._once(asked, owner, lambda: self._make_folder(asked, files))

    async def finish_again(self, asked: FinishAgain, owner: str) -> str:
        """The same for a job whose surface another one of the same owner has made."""
        files = self._files.of(owner)
        return await self._once(asked, owner, lambda: self._make_finishing_folder(asked, files))

    async def _once(
        self, asked: SubmitJob | FinishAgain, owner: str, make: Callable[[], JobSummary]
    ) -> str:
        if not REQUEST_ID.fullmatch(asked.request_id):
            raise MalformedMessage(f"{asked.kind}.request_id: expected a UUID")
        async with self._one_at_a_time:
            store = self._queue.store
            known = await self._queue.ledger.do(store.requested, asked.request_id, owner)
            if known is not None:
                return known
            if isinstance(asked, FinishAgain):
                await self._queue.artifact(asked.job_id, SURFACE)  # or there is no such job
            await self._housekeeping.admit_job(owner)
            job = await asyncio.to_thread(make)
            again = isinstance(asked, FinishAgain)
            await self._queue.add(job, asked.request_id, owner, again=again)
            return job.job_id

    def _make_finishing_folder(self, asked: FinishAgain, files: FileStore) -> JobSummary:
        build(Finish, asked.finish)
        made = JobFolder(self._queue.folder / asked.job_id)
        scene = made.scene()
        files.check_space(0)
        spec = replace(made.spec(), job_id=secrets.token_hex(8), finish=asked.finish)
        linked = {path.name: path for path in made.files.iterdir()}
        create(self._queue.folder / spec.job_id, spec, scene, linked, made.surface)
        return _queued(spec)

    def _make_folder(self, asked: SubmitJob, files: FileStore) -> JobSummary:
        build(Finish, asked.finish)
        prior_of(params_for(spec_named(asked.method), asked.preset, asked.params))
        if not 0.0 <= asked.time_limit < math.inf:
            raise InvalidParams("The time limit must not be negative.", hint="0 means no limit.")
        if not 0 <= asked.seed < NUM_SEEDS:
            raise InvalidParams(f"There is no seed {asked.seed}.", hint="Use 0 to 2147483647.")
        scene = _read_scene(files.path(asked.scene), spec_named(asked.method).needs)
        files.check_space(0)
        spec = JobSpec(
            job_id=secrets.token_hex(8),
            title=asked.title[:MAX_TITLE],
            method=asked.method,
            preset=asked.preset,
            params=asked.params,
            time_limit=asked.time_limit,
            finish=asked.finish,
            seed=asked.seed,
        )
        self._queue.shares.check_devices(spec.method, num_asked(spec))
        linked = {ref.sha256: files.path(ref.sha256) for ref in scene.files}
        create(self._queue.folder / spec.job_id, spec, scene, linked)
        return _queued(spec)


def _read_scene(path: Path, needs: tuple[Need, ...]) -> Scene:
    if path.stat().st_size > MAX_SCENE_BYTES:
        raise InvalidScene("The scene's document is too large.", hint="Send fewer views.")
    scene = from_json(Scene, path.read_bytes())
    check_what_is_given(scene, needs)
    return scene


def _queued(spec: JobSpec) -> JobSummary:
    return JobSummary(
        job_id=spec.job_id,
        title=spec.title,
        method=spec.method,
        preset=spec.preset,
        state=JobState.QUEUED,
        reason="",
        created=time.time(),
        progress=None,
    )
