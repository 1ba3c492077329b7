# SPDX-License-Identifier: GPL-3.0-or-later
"""A job on a backend, as a command goes along with it: sent, followed, fetched.

Files go once: what the backend has is not sent, what was cut goes on where it ended. Records come
without a gap over any number of broken lines.
It must not know what the job makes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import signal
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import typer
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import (
    InvalidScene,
    JobCancelled,
    LimitExceeded,
    MalformedMessage,
    UnknownJob,
    UserError,
)
from lightkiln_shared.jobs import Artifact, JobAction, JobState, JobSummary, RecordKind
from lightkiln_shared.messages import (
    ControlJob,
    Event,
    FileOffer,
    JobProgressed,
    JobRecorded,
    ListArtifacts,
    OfferFiles,
    ReadArtifact,
    SubmitJob,
    WatchJob,
)
from lightkiln_shared.scene import Scene
from lightkiln_shared.session import MAX_BULK

from lightkiln.jobs.folder import JobSpec

from .following import INTERRUPTED
from .line import Line
from .remote import Remote
from .telling import Telling
from .words import shown

MAX_OFFER = 500
LOOK_SECONDS = 0.2
QUEUE_SECONDS = 3.0
"""Between two questions how a job stands that waits."""
SEND_AGAIN = (1.0, 5.0, 30.0)
"""Seconds after which files are sent again that were refused: for as long the backend may believe
in a connection that was cut while it sent one of them."""
ARTIFACT = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,200}")
"""What may become a file here."""
Sources = Mapping[str, Path | bytes]
"""Files, or what would be in them, by SHA-256."""


def submit(
    line: Line, job: JobSpec, scene: Scene, files: Mapping[str, Path], telling: Telling
) -> str:
    """Send what the backend lacks of a scene and queue a job like this; its id there."""
    document = to_json(scene)
    sha256 = hashlib.sha256(document).hexdigest()
    needed = {ref.sha256: files[ref.sha256] for ref in scene.files}
    _send(line, {**needed, sha256: document}, telling)
    request = SubmitJob(
        request_id=str(uuid.uuid4()),
        title=job.title,
        method=job.method,
        preset=job.preset,
        params=job.params,
        scene=sha256,
        time_limit=job.time_limit,
        finish=job.finish,
        seed=job.seed,
    )
    return line.ask(request).job_id


def _send(line: Line, sources: Sources, telling: Telling) -> None:
    for pause in (*SEND_AGAIN, None):
        try:
            line.do(lambda remote: _send_files(remote, sources, telling))
        except InvalidScene:
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def _send_files(remote: Remote, sources: Sources, telling: Telling) -> None:
    """Make sure that the backend has all files."""
    offers = [FileOffer(sha256=name, size=_size(source)) for name, source in sources.items()]
    sizes = {offer.sha256: offer.size for offer in offers}
    wanted = [
        file
        for start in range(0, len(offers), MAX_OFFER)
        for file in remote.ask(OfferFiles(files=tuple(offers[start : start + MAX_OFFER]))).files
    ]
    if any(not 0 <= file.offset <= sizes.get(file.sha256, -1) for file in wanted):
        raise MalformedMessage("the backend wants a file that it was not offered")
    total, sent = sum(sizes[file.sha256] - file.offset for file in wanted), 0

    def on_sent(size: int) -> None:
        nonlocal sent
        sent += size
        telling.sending(sent / total)

    for file in wanted:
        source = sources[file.sha256]
        offer = FileOffer(sha256=file.sha256, size=sizes[file.sha256])
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as opened:
            remote.put(offer, file.offset, opened, on_sent)


def follow(line: Line, job_id: str, telling: Telling, *, is_ours: bool = True) -> JobSummary:
    """Follow a job to its end; how it stands then.

    Ctrl-C: of a job of `ours` the mesh so far is asked for, the second time it is cancelled; from
    another one only the following ends.
    """
    follower = _Follower(line, job_id, telling, is_ours)
    before = signal.signal(signal.SIGINT, follower.interrupt)
    try:
        return line.do(follower.follow)
    finally:
        signal.signal(signal.SIGINT, before)


def check_succeeded(job: JobSummary) -> None:
    """`UserError` with the job's reason, or `JobCancelled`, unless it has made what it should."""
    if job.state is JobState.CANCELLED:
        raise JobCancelled("The job was cancelled.", hint=f"lightkiln retry {job.job_id}")
    if job.state is not JobState.SUCCEEDED:
        raise UserError(shown(job.reason) or f"The job is {job.state}.")


def fetch(line: Line, job_id: str, folder: Path, names: Iterable[str] | None = None) -> None:
    """Fetch artifacts into a folder, those of some names or all; what is not there is left out."""
    wanted = None if names is None else set(names)
    for artifact in line.ask(ListArtifacts(job_id=job_id)).artifacts:
        if wanted is None or artifact.name in wanted:
            _fetch(line, job_id, artifact, folder)


def _fetch(line: Line, job_id: str, artifact: Artifact, folder: Path) -> None:
    if not ARTIFACT.fullmatch(artifact.name):
        raise MalformedMessage("the backend has a file of a name that no file may have")
    if not 0 <= artifact.size <= MAX_BULK:
        raise LimitExceeded(f"{artifact.name} is {artifact.size} bytes; at most {MAX_BULK} fit")
    path = folder / artifact.name
    path.write_bytes(b"")

    def go_on(remote: Remote) -> None:
        begun = path.stat().st_size
        request = ReadArtifact(job_id=job_id, name=artifact.name, offset=begun)
        reply, chunks = remote.read(request)
        if reply.bulk.size != artifact.size - begun:
            raise MalformedMessage(f"{artifact.name}: not the size that was told")
        with path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)

    line.do(go_on)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != artifact.sha256:
            raise MalformedMessage(f"{artifact.name} arrived damaged")


def _lacks_space(job: JobSummary) -> bool:
    """Whether it waits for somebody who frees some of its disk: nobody is kept waiting for that."""
    return job.state is JobState.PAUSED and bool(job.reason)


class _Follower:
    """Where a command is in the records of a job; `follow` goes on from there on any connection."""

    def __init__(self, line: Line, job_id: str, telling: Telling, is_ours: bool) -> None:
        self._line, self._job_id, self._telling = line, job_id, telling
        self._is_ours = is_ours
        self._since = 0
        self._presses = self._obeyed = 0

    def interrupt(self, *_: object) -> None:
        """Ctrl-C: remembered here, obeyed between two events."""
        self._presses += 1

    def follow(self, remote: Remote) -> JobSummary:
        """Until the job is over."""
        job = self._look(remote)
        asked_at = time.monotonic()
        while not (job.state.is_final or _lacks_space(job)):
            event = remote.event(LOOK_SECONDS)
            if self._obeyed < self._presses:
                self._obey(remote)
            waits = job.state is JobState.QUEUED and time.monotonic() - asked_at > QUEUE_SECONDS
            if self._take(event) or waits:
                job, asked_at = self._look(remote), time.monotonic()
        while (event := remote.event(LOOK_SECONDS)) is not None:
            self._take(event)  # warnings that came with the end
        return job

    def _look(self, remote: Remote) -> JobSummary:
        job = remote.ask(WatchJob(job_id=self._job_id, since=self._since)).job
        self._telling.state(replace(job, title=shown(job.title), reason=shown(job.reason)))
        return job

    def _take(self, event: Event | None) -> bool:
        """True if the job has another state: the newest one is to be asked for."""
        if getattr(event, "job_id", "") != self._job_id:
            return False
        if isinstance(event, JobProgressed):
            phase = shown(event.progress.phase)
            self._telling.progress(replace(event.progress, phase=phase))
        if not isinstance(event, JobRecorded) or event.record.seq <= self._since:
            return False
        self._since = event.record.seq
        if event.record.kind is RecordKind.WARNING:
            self._telling.warn(shown(event.record.text))
        return event.record.kind is RecordKind.STATE

    def _obey(self, remote: Remote) -> None:
        self._obeyed += 1
        if not self._is_ours:
            self._telling.say(f"The job goes on: {self._line.command} follow {self._job_id}")
            raise typer.Exit(INTERRUPTED)
        if self._obeyed == 1:
            with contextlib.suppress(UnknownJob):  # it is not being worked on: there is no mesh
                remote.ask(ControlJob(job_id=self._job_id, action=JobAction.FINISH))
                self._telling.say("Finishing with what there is so far. Ctrl-C again cancels.")
                return
        remote.ask(ControlJob(job_id=self._job_id, action=JobAction.CANCEL))
        self._telling.say("Cancelled, without a result.")
        raise typer.Exit(INTERRUPTED)


def _size(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size
