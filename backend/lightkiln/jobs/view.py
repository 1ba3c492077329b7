# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be seen of jobs: how they stand, what was asked for, what they have left.

It changes nothing. It must not know connections, nor how jobs come to be as they are.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import Artifact, JobRecord, JobState, JobSummary

from .folder import JobFolder, JobSpec
from .ledger import Ledger
from .shares import Shares
from .store import StoredJob

ACTIVE = tuple(state for state in JobState if state.is_active)


class JobsView:
    """All jobs of a data folder."""

    def __init__(self, folder: Path, ledger: Ledger, shares: Shares) -> None:
        self.folder, self.ledger, self.shares = folder, ledger, shares
        self.store = ledger.store

    async def summary(self, job_id: str) -> JobSummary:
        """One job as it stands."""
        job = await self.ledger.do(self.store.job, job_id)
        return (await self.shares.as_they_stand((job,)))[0].summary

    async def check_owner(self, job_id: str, owner: str) -> None:
        """`UnknownJob` if the job is not that client's, just as if there were none."""
        await self.ledger.do(self.store.check_owner, job_id, owner)

    async def newest(self, limit: int, owner: str) -> tuple[JobSummary, ...]:
        """The newest jobs of a client, newest first."""
        jobs = await self.ledger.do(self.store.newest, limit, owner)
        return tuple(job.summary for job in await self.shares.as_they_stand(jobs))

    async def of_everybody(self, limit: int) -> tuple[StoredJob, ...]:
        """The jobs of all clients for the backend's owner, the unfinished ones first."""
        jobs = await self.ledger.do(self.store.of_everybody, limit)
        return await self.shares.as_they_stand(jobs)

    async def records(
        self, job_id: str, since: int, limit: int
    ) -> tuple[tuple[JobRecord, JobState], ...]:
        """Records after `since`, each with the state after it."""
        return await self.ledger.do(self.store.records, job_id, since, limit)

    async def spec(self, job_id: str) -> JobSpec:
        """What was asked for in a job; `UnknownJob`."""
        await self.ledger.do(self.store.job, job_id)
        return await asyncio.to_thread(self.job_folder(job_id).spec)

    async def artifacts(self, job_id: str) -> tuple[Artifact, ...]:
        """The files that a job has left."""
        await self.ledger.do(self.store.job, job_id)
        return await self.ledger.do(self.store.artifacts, job_id)

    async def artifact(self, job_id: str, name: str) -> tuple[Artifact, Path]:
        """One of them, and where it lies."""
        for artifact in await self.artifacts(job_id):
            if artifact.name == name:
                return artifact, self.job_folder(job_id).artifacts / artifact.name
        raise UnknownJob("The job has left no such file.", hint="Ask for the list of its files.")

    async def has_work(self) -> bool:
        """True while a job waits or is worked on."""
        return any(await self.counts())

    async def counts(self) -> tuple[int, int]:
        """How many jobs of all clients are worked on, and how many wait."""
        jobs = await self.ledger.do(self.store.in_state, JobState.QUEUED, *ACTIVE)
        queued = sum(job.state is JobState.QUEUED for job in jobs)
        return len(jobs) - queued, queued

    def job_folder(self, job_id: str) -> JobFolder:
        """Where a job lies, if there is one of that id."""
        return JobFolder(self.folder / job_id)
