# SPDX-License-Identifier: GPL-3.0-or-later
"""One client as the handlers see it: what it may use, what it follows, what it is sending.

It must not know sockets or frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lightkiln_shared.errors import LimitExceeded, NotAuthorised
from lightkiln_shared.messages import Device, Request
from lightkiln_shared.pairing import Exchange

from lightkiln.executors.free_memory import FreeMemory
from lightkiln.jobs.files import FileStore, FileStores
from lightkiln.jobs.housekeeping import Housekeeping
from lightkiln.jobs.intake import Intake
from lightkiln.jobs.queue import JobQueue
from lightkiln.jobs.watchers import LatestWins

from .clients import Clients, Identity
from .incoming import IncomingStream
from .limits import MAX_REQUESTS, Allowance, Bucket
from .outbox import Outbox
from .pairing_window import PairingWindow
from .records import RecordCursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What all clients of a server share."""

    queue: JobQueue
    files: FileStores
    intake: Intake
    devices: tuple[Device, ...]
    free_memory: FreeMemory
    server_id: str
    clients: Clients
    window: PairingWindow
    name: str
    """What people call this backend; may be empty."""
    housekeeping: Housekeeping
    _allowances: dict[str, Allowance] = field(default_factory=dict)

    def allowance(self, client_id: str) -> Allowance:
        """What a client may still do, one for all of its connections."""
        return self._allowances.setdefault(client_id, Allowance(self.housekeeping.rules))


@dataclass(slots=True, eq=False)
class Caller:
    """Satisfies `Watcher`: what it follows goes into its outbox."""

    services: Services
    outbox: Outbox
    records: RecordCursor
    is_here: bool
    """It connects from this machine."""
    identity: Identity | None = None
    """Once it has said a good hello."""
    pairing: Exchange | None = None
    """Once it has begun to pair."""
    shown_code: str = ""
    """The pairing code that it shows."""
    streams: dict[int, IncomingStream] = field(default_factory=dict)
    """What it is sending, by stream."""
    allowance: Allowance | None = None
    """Of a client that is in; the owner has none."""
    _requests: Bucket = field(
        default_factory=lambda: Bucket(rate=MAX_REQUESTS, burst=2.0 * MAX_REQUESTS)
    )

    def known(self) -> Identity:
        """Who it is; `NotAuthorised` if that has not been said or holds no more."""
        if self.identity is None or self.identity.revoked.is_set():
            raise NotAuthorised("The backend does not know this client.", hint="Pair it again.")
        return self.identity

    @property
    def files(self) -> FileStore:
        """What this client has sent."""
        return self.services.files.of(self.known().client_id)

    def recorded(self, job_id: str) -> None:
        self.records.touch(job_id)
        self.outbox.wake()

    def happened(self, event: LatestWins, payload: bytes) -> None:
        self.outbox.put_latest(event, payload)

    def come_in(self, identity: Identity) -> None:
        """It has said a good hello; `OverQuota` if it has too many connections."""
        if not identity.is_owner:
            allowance = self.services.allowance(identity.client_id)
            allowance.connect()
            self.allowance = allowance
        self.identity = identity

    def count(self, request: Request[Any]) -> None:
        """`LimitExceeded` if this connection asks too often."""
        if not self._requests.take():
            raise LimitExceeded(f"{request.kind}: too many requests in a short time")

    def leave(self) -> None:
        """The connection is over: follow nothing, expect nothing."""
        for stream in self.streams.values():
            stream.cut()
        if self.allowance is not None:
            self.allowance.connections -= 1
        self.services.window.close(self.shown_code)
        self.services.queue.leave(self)
