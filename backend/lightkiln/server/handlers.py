# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server does for each request: one function per message, and the table that names them.

It must not know sockets, frames or credit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO, Any

from lightkiln_shared.access import (
    BeginPairing,
    FinishPairing,
    ListClients,
    OpenPairing,
    RevokeClient,
)
from lightkiln_shared.errors import LimitExceeded, UserError
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import (
    ArtifactData,
    Artifacts,
    Bulk,
    ControlJob,
    DescribeJob,
    Done,
    FileOffer,
    FinishAgain,
    Hello,
    JobAccepted,
    JobDescription,
    Jobs,
    ListArtifacts,
    ListJobs,
    ListMethods,
    LookFrom,
    Methods,
    OfferFiles,
    PutFile,
    ReadArtifact,
    Reply,
    Request,
    SubmitJob,
    UnwatchJob,
    Wanted,
    Watching,
    WatchJob,
)
from lightkiln_shared.session import MAX_BULK
from lightkiln_shared.sharing import (
    AskLoad,
    AskUsage,
    KeepJob,
    ListAllJobs,
    ListUsages,
    SetPriority,
)

from lightkiln.methods.info import info_of
from lightkiln.methods.registry import DEFAULT_METHOD, discover

from . import access_handlers as access
from . import limits
from . import sharing_handlers as sharing
from .caller import Caller


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """An answer whose bulk is what follows in an open file."""

    reply: ArtifactData
    source: IO[bytes]


Handler = Callable[[Caller, Any], Awaitable[Reply | FileAnswer]]


async def answer_to(caller: Caller, request: Request[Any]) -> Reply | FileAnswer:
    """What a request is answered with, once it is seen that this client may ask it."""
    await access.check(caller, request)
    if caller.allowance is not None:
        caller.allowance.count(request)
    return await HANDLERS[type(request)](caller, request)


async def list_methods(caller: Caller, request: ListMethods) -> Methods:
    return Methods(methods=tuple(map(info_of, discover().values())), default=DEFAULT_METHOD)


async def offer_files(caller: Caller, request: OfferFiles) -> Wanted:
    if len(request.files) > limits.MAX_OFFERED:
        raise LimitExceeded(f"offer_files: more than {limits.MAX_OFFERED} files at a time")
    wanted = await asyncio.to_thread(caller.files.missing, request.files)
    sizes = {offer.sha256: offer.size for offer in request.files}
    more = sum(sizes[file.sha256] - file.offset for file in wanted)
    if more > 0:
        await caller.services.housekeeping.admit_bytes(caller.known().client_id, more)
    return Wanted(files=wanted)


async def put_file(caller: Caller, request: PutFile) -> Done:
    if request.size > MAX_BULK or request.offset + request.bulk.size != request.size:
        raise LimitExceeded("put_file: offset and bulk do not add up to the file's size")
    wanted = FileOffer(sha256=request.sha256, size=request.size)
    chunks = caller.streams.pop(request.bulk.stream).chunks()
    client_id, housekeeping = caller.known().client_id, caller.services.housekeeping
    with caller.allowance.upload() if caller.allowance is not None else nullcontext():
        await housekeeping.admit_bytes(client_id, request.bulk.size)
        await caller.files.receive(wanted, request.offset, chunks)
    housekeeping.received(client_id, request.bulk.size)
    return Done()


async def submit_job(caller: Caller, request: SubmitJob) -> JobAccepted:
    client_id = caller.known().client_id
    return JobAccepted(job_id=await caller.services.intake.submit(request, client_id))


async def finish_again(caller: Caller, request: FinishAgain) -> JobAccepted:
    client_id = caller.known().client_id
    return JobAccepted(job_id=await caller.services.intake.finish_again(request, client_id))


async def list_jobs(caller: Caller, request: ListJobs) -> Jobs:
    owner = caller.known().client_id
    jobs = await caller.services.queue.newest(limits.MAX_LISTED_JOBS, owner)
    return limits.as_many_as_fit(jobs, lambda some: Jobs(jobs=some))


async def describe_job(caller: Caller, request: DescribeJob) -> JobDescription:
    spec = await caller.services.queue.spec(request.job_id)
    return JobDescription(
        title=spec.title,
        method=spec.method,
        preset=spec.preset,
        params=spec.params,
        time_limit=spec.time_limit,
        finish=spec.finish,
        seed=spec.seed,
    )


async def watch_job(caller: Caller, request: WatchJob) -> Watching:
    queue, job_id = caller.services.queue, request.job_id
    job = await queue.summary(job_id)
    queue.watch(job_id, caller)
    caller.records.follow(job_id, request.since)
    return Watching(job=job)


async def unwatch_job(caller: Caller, request: UnwatchJob) -> Done:
    queue, job_id = caller.services.queue, request.job_id
    await queue.summary(job_id)
    queue.unwatch(job_id, caller)
    caller.records.leave(job_id)
    caller.outbox.forget(job_id)
    return Done()


async def control_job(caller: Caller, request: ControlJob) -> Done:
    if request.action is JobAction.RETRY:
        await caller.services.housekeeping.admit_job(caller.known().client_id)
    await caller.services.queue.control(request.job_id, request.action)
    return Done()


async def look_from(caller: Caller, request: LookFrom) -> Done:
    await caller.services.queue.summary(request.job_id)
    caller.services.queue.look_from(request.job_id, caller, request.camera)
    return Done()


async def list_artifacts(caller: Caller, request: ListArtifacts) -> Artifacts:
    return Artifacts(artifacts=await caller.services.queue.artifacts(request.job_id))


async def read_artifact(caller: Caller, request: ReadArtifact) -> FileAnswer:
    artifact, path = await caller.services.queue.artifact(request.job_id, request.name)
    if not 0 <= request.offset <= artifact.size:
        raise UserError("The file ends before that place.", hint="Read it from its beginning.")
    source = await asyncio.to_thread(path.open, "rb")
    source.seek(request.offset)
    bulk = Bulk(stream=0, size=artifact.size - request.offset)
    return FileAnswer(ArtifactData(sha256=artifact.sha256, size=artifact.size, bulk=bulk), source)


HANDLERS: dict[type[Request[Any]], Handler] = {
    Hello: access.hello,
    BeginPairing: access.begin_pairing,
    FinishPairing: access.finish_pairing,
    OpenPairing: access.open_pairing,
    ListClients: access.list_clients,
    RevokeClient: access.revoke_client,
    ListMethods: list_methods,
    AskLoad: sharing.ask_load,
    OfferFiles: offer_files,
    PutFile: put_file,
    SubmitJob: submit_job,
    FinishAgain: finish_again,
    ListJobs: list_jobs,
    DescribeJob: describe_job,
    WatchJob: watch_job,
    UnwatchJob: unwatch_job,
    ControlJob: control_job,
    LookFrom: look_from,
    ListArtifacts: list_artifacts,
    ReadArtifact: read_artifact,
    AskUsage: sharing.ask_usage,
    KeepJob: sharing.keep_job,
    ListAllJobs: sharing.list_all_jobs,
    SetPriority: sharing.set_priority,
    ListUsages: sharing.list_usages,
}
