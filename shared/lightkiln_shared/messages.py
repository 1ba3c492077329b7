# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message of the protocol, in the order of a session. `docs/protocol.md` is made from here.

The client sends requests, each of which gets one reply (`Failed` included); the server also sends
events. A field `bulk` announces raw bytes that follow as data frames on a stream of their own.
A new field has a default; no field changes its type or meaning; a removed name is gone for good.
It must not know bytes or sockets: that is `codec` and `session`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar, dataclass_transform

from .camera import Camera
from .jobs import Artifact, JobAction, JobRecord, JobState, JobSummary, Progress
from .params import ParamSpec, Scalar

BY_KIND: dict[str, type[Message]] = {}
SHA256 = re.compile(r"[0-9a-f]{64}")


class Message:
    """Base of all messages; `kind` is its name on the wire."""

    kind: ClassVar[str] = ""
    coalesce_by: ClassVar[tuple[str, ...]] = ()
    """Fields that name what an event is about: a newer one replaces a waiting one."""


class Reply(Message):
    """Server to client, once for each request."""


class Event(Message):
    """Server to client, unasked."""


R = TypeVar("R", bound=Reply)
M = TypeVar("M", bound=Message)


class Request(Message, Generic[R]):
    """Client to server; R is the type of its reply."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def message(kind: str, *, coalesce_by: tuple[str, ...] = ()) -> Callable[[type[M]], type[M]]:
    """Declare a message: frozen, slotted, keyword-only, and registered under its kind."""

    def declare(cls: type[M]) -> type[M]:
        if kind in BY_KIND:
            raise TypeError(f"message kind {kind!r} is taken by {BY_KIND[kind].__name__}")
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.kind, made.coalesce_by = kind, coalesce_by
        BY_KIND[kind] = made
        return made

    return declare


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """So many raw bytes follow this message on a stream of their own."""

    stream: int
    """Chosen by the sender: odd from the client, even from the server, never used twice."""
    size: int


# ---------------------------------------------------------------- opening a session


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Something the backend computes on."""

    name: str
    kind: str
    """`cpu` or `cuda`."""
    memory_mb: int


@message("welcome")
class Welcome(Reply):
    """The session is open."""

    protocol: int
    server_version: str
    server_id: str
    """First 16 hexadecimal digits of the certificate's SHA-256."""
    devices: tuple[Device, ...] = ()
    """The first of them: a cluster may have hundreds."""
    name: str = ""
    """What the backend is called; empty: it serves its own machine only."""


@message("hello")
class Hello(Request[Welcome]):
    """The first message of a session; anything else first ends it."""

    protocols: tuple[int, ...]
    """Versions the client speaks, newest first."""
    client: str
    """Program and version, for the log."""
    token: str


@message("failed")
class Failed(Reply):
    """The request could not be done."""

    code: str
    """One of the codes in `errors`."""
    message: str
    hint: str = ""


@message("done")
class Done(Reply):
    """The request was carried out, or will be where an event follows."""


# ---------------------------------------------------------------- what the backend can do


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """A method as the panel shows it."""

    name: str
    title: str
    summary: str
    needs: tuple[str, ...]
    produces: str
    wants_masks: bool = False
    params: tuple[ParamSpec, ...] = ()
    presets: dict[str, dict[str, Scalar]] = field(default_factory=dict)
    memory_mb: int = 0
    """What it wants beside its images; 0: not told."""
    unavailable: str = ""
    """Why it cannot be used; empty if it can."""
    renders_frames: bool = False
    """It also makes pictures along the scene's path, the artifact `frames.zip`."""


@message("methods")
class Methods(Reply):
    """The installed methods, broken ones included."""

    methods: tuple[MethodInfo, ...]
    default: str


@message("list_methods")
class ListMethods(Request[Methods]):
    """Ask what the backend can do."""


# ---------------------------------------------------------------- handing a scene over


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOffer:
    """A file that the client could send."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWanted:
    """A file that the server lacks, or lacks the end of."""

    sha256: str
    offset: int
    """Bytes the server already has."""


@message("wanted")
class Wanted(Reply):
    """The files to send."""

    files: tuple[FileWanted, ...]


@message("offer_files")
class OfferFiles(Request[Wanted]):
    """Name the files of a scene by their content, at most 500 at a time."""

    files: tuple[FileOffer, ...]


@message("put_file")
class PutFile(Request[Done]):
    """Send the rest of a file; `Done` once it is stored and its hash is right."""

    sha256: str
    size: int
    """Of the whole file."""
    offset: int
    bulk: Bulk


@message("job_accepted")
class JobAccepted(Reply):
    """The job is on disk: no crash loses it any more."""

    job_id: str


@message("submit_job")
class SubmitJob(Request[JobAccepted]):
    """Queue a job. A repeat with the same `request_id` gets the first answer."""

    request_id: str
    """A UUID made by the client."""
    title: str
    method: str
    preset: str
    params: dict[str, Scalar]
    """Values over the preset's."""
    scene: str
    """SHA-256 of the scene document, sent before like any file."""
    time_limit: float = 0.0
    """Seconds until the run must come to its mesh; 0: none."""
    finish: dict[str, Scalar] = field(default_factory=dict)
    """Options of `finish.Finish`: `texture`, `faces`, ...; what is not named has its default."""
    seed: int = 0
    """Another one, another result; at least 0 and below 2^31."""


@message("finish_again")
class FinishAgain(Request[JobAccepted]):
    """Queue a job that finishes the surface of a succeeded one with other options.

    Nothing is trained again; all else is the other job's, which may be deleted meanwhile.
    """

    request_id: str
    """A UUID made by the client; a repeat gets the first answer."""
    job_id: str
    """The succeeded job."""
    finish: dict[str, Scalar]
    """As in `submit_job`."""


# ---------------------------------------------------------------- following jobs


@message("jobs")
class Jobs(Reply):
    """The newest jobs, newest first, at most 200."""

    jobs: tuple[JobSummary, ...]


@message("list_jobs")
class ListJobs(Request[Jobs]):
    """Ask for the job list."""


@message("job_description")
class JobDescription(Reply):
    """What was asked for in a job: enough to ask for another one like it."""

    title: str
    method: str
    preset: str
    params: dict[str, Scalar]
    time_limit: float
    finish: dict[str, Scalar]
    seed: int = 0


@message("describe_job")
class DescribeJob(Request[JobDescription]):
    """Ask what was asked for."""

    job_id: str


@message("watching")
class Watching(Reply):
    """The job as it stands; records after `since` follow, then everything new."""

    job: JobSummary


@message("watch_job")
class WatchJob(Request[Watching]):
    """Follow a job from a record on; watching twice starts again from there."""

    job_id: str
    since: int = 0
    """The last `seq` the client knows."""


@message("unwatch_job")
class UnwatchJob(Request[Done]):
    """Stop following."""

    job_id: str


@message("control_job")
class ControlJob(Request[Done]):
    """Pause, resume, finish now, cancel, retry or delete; the outcome comes as records."""

    job_id: str
    action: JobAction


@message("look_from")
class LookFrom(Request[Done]):
    """Ask for preview images from this camera until told otherwise; null: no images."""

    job_id: str
    camera: Camera | None


@message("artifacts")
class Artifacts(Reply):
    """The files a job has left so far."""

    artifacts: tuple[Artifact, ...]


@message("list_artifacts")
class ListArtifacts(Request[Artifacts]):
    """Ask for a job's files."""

    job_id: str


@message("artifact_data")
class ArtifactData(Reply):
    """The file from the asked offset on."""

    sha256: str
    size: int
    """Of the whole file."""
    bulk: Bulk


@message("read_artifact")
class ReadArtifact(Request[ArtifactData]):
    """Fetch a file that a job left."""

    job_id: str
    name: str
    offset: int = 0


# ---------------------------------------------------------------- events


@message("job_recorded")
class JobRecorded(Event):
    """A durable record; `seq` has no gaps and no repeats for a watcher."""

    job_id: str
    state: JobState
    """The job's state after this record."""
    record: JobRecord


@message("job_progressed", coalesce_by=("job_id",))
class JobProgressed(Event):
    """How far the run is; only the newest counts."""

    job_id: str
    progress: Progress


@message("preview_image", coalesce_by=("job_id",))
class PreviewImage(Event):
    """A picture of the run, (height, width, 4) uint8 sRGB, straight alpha, top row first."""

    job_id: str
    camera: Camera
    """What it was rendered for."""
    width: int
    height: int
    bulk: Bulk


@message("preview_mesh", coalesce_by=("job_id",))
class PreviewMesh(Event):
    """A coarse mesh: its bytes are positions, colours and triangles, one after the other.

    Positions <f4 (V, 3), metres; colours |u1 (V, 4), sRGB; triangles <i4 (F, 3).
    """

    job_id: str
    num_vertices: int
    num_triangles: int
    bulk: Bulk
