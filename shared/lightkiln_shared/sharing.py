# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages about a backend that several people use: how busy it is, what each takes of it.

It must not know how shares are reckoned.
"""

from __future__ import annotations

from dataclasses import dataclass

from .jobs import JobSummary, Priority
from .messages import Device, Done, Reply, Request, message


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLoad:
    """A device as it is now."""

    device: Device
    free_mb: int
    """Memory that nobody uses; 0: not told."""


@message("load")
class Load(Reply):
    """How busy the backend is, with the jobs of all its clients."""

    devices: tuple[DeviceLoad, ...]
    running: int
    """Jobs that are worked on."""
    queued: int
    """Jobs that wait for a device."""


@message("ask_load")
class AskLoad(Request[Load]):
    """Ask how busy the backend is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a client takes of a backend."""

    unfinished: int
    """Jobs that wait, pause or are worked on."""
    running: int
    """Those of them that are on a device now."""
    device_seconds: float
    """Used of late: half of it is forgotten every hour, or as the owner has set it."""
    disk_bytes: int
    """Of its jobs and files."""


@message("usage")
class Usage(Reply):
    """What the asking client takes and may take; the owner may take what there is."""

    taken: Taken
    max_unfinished: int
    """0: any number."""
    max_running: int
    """0: any number."""
    max_disk_bytes: int
    """0: all of the disk."""
    keep_days: float
    """Days after which jobs that are over are deleted, unless they are kept; 0: never."""


@message("ask_usage")
class AskUsage(Request[Usage]):
    """Ask what one takes oneself."""


@message("keep_job")
class KeepJob(Request[Done]):
    """Say whether a job that is over may be deleted to make room, or when it is old."""

    job_id: str
    kept: bool


# ---------------------------------------------------------------- for the owner


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientsJob:
    """A job and whose it is."""

    client_id: str
    """Empty: the owner's."""
    client: str
    """Its name; empty: the owner's, or a client's that has gone."""
    job: JobSummary


@message("all_jobs")
class AllJobs(Reply):
    """Everybody's jobs, the unfinished ones first, each part newest first, at most 200."""

    jobs: tuple[ClientsJob, ...]


@message("list_all_jobs")
class ListAllJobs(Request[AllJobs]):
    """For the owner: the jobs of all clients."""


@message("set_priority")
class SetPriority(Request[Done]):
    """For the owner: let anybody's job go before the others, or after them."""

    job_id: str
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientUsage:
    """What a client takes, by its id; empty: the owner."""

    client_id: str
    taken: Taken


@message("usages")
class Usages(Reply):
    """What each client takes, the owner first."""

    usages: tuple[ClientUsage, ...]


@message("list_usages")
class ListUsages(Request[Usages]):
    """For the owner: what each client takes."""


FOR_THE_OWNER = (ListAllJobs, SetPriority, ListUsages)
"""What nobody but the owner may ask."""
