# SPDX-License-Identifier: GPL-3.0-or-later
"""What each client takes, what it may keep, and what the backend's owner says of everybody's jobs.

It must not know sockets or frames, nor how shares are reckoned.
"""

from __future__ import annotations

from lightkiln_shared.messages import Done
from lightkiln_shared.sharing import (
    AllJobs,
    AskLoad,
    AskUsage,
    ClientsJob,
    ClientUsage,
    DeviceLoad,
    KeepJob,
    ListAllJobs,
    ListUsages,
    Load,
    SetPriority,
    Usage,
    Usages,
)

from lightkiln.jobs.housekeeping import GIB

from . import limits
from .caller import Caller


async def ask_load(caller: Caller, request: AskLoad) -> Load:
    services = caller.services
    running, queued = await services.queue.counts()
    pairs = zip(services.devices, await services.free_memory.now(), strict=True)
    devices = tuple(DeviceLoad(device=device, free_mb=free) for device, free in pairs)
    return Load(devices=devices, running=running, queued=queued)


async def ask_usage(caller: Caller, request: AskUsage) -> Usage:
    identity, housekeeping = caller.known(), caller.services.housekeeping
    taken, rules = await housekeeping.taken(identity.client_id), housekeeping.rules
    if identity.is_owner:
        return Usage(taken=taken, max_unfinished=0, max_running=0, max_disk_bytes=0, keep_days=0.0)
    return Usage(
        taken=taken,
        max_unfinished=rules.unfinished_jobs,
        max_running=rules.running_jobs,
        max_disk_bytes=int(rules.disk_gib * GIB),
        keep_days=rules.keep_days,
    )


async def keep_job(caller: Caller, request: KeepJob) -> Done:
    owner = caller.known().client_id
    await caller.services.housekeeping.keep(request.job_id, owner, kept=request.kept)
    return Done()


async def list_all_jobs(caller: Caller, request: ListAllJobs) -> AllJobs:
    services = caller.services
    names = {client.client_id: client.name for client in services.clients.listed()}
    jobs = tuple(
        ClientsJob(client_id=job.owner, client=names.get(job.owner, ""), job=job.summary)
        for job in await services.queue.of_everybody(limits.MAX_LISTED_JOBS)
    )
    return limits.as_many_as_fit(jobs, lambda some: AllJobs(jobs=some))


async def set_priority(caller: Caller, request: SetPriority) -> Done:
    await caller.services.queue.set_priority(request.job_id, request.priority)
    return Done()


async def list_usages(caller: Caller, request: ListUsages) -> Usages:
    services = caller.services
    clients = ("", *(client.client_id for client in services.clients.listed()))
    usages = tuple(
        [
            ClientUsage(client_id=client_id, taken=await services.housekeeping.taken(client_id))
            for client_id in clients
        ]
    )
    return limits.as_many_as_fit(usages, lambda some: Usages(usages=some))
