# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client's thread leaves for Blender's main thread; the only thing both touch. No bpy.

What may be lost is replaced by its newer self (progress, previews), so a main thread that is busy
for an hour finds one picture waiting, not thirty thousand. Everything else is kept, in order.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .previews import CoarseMesh, Picture
from .shared.address import Address
from .shared.errors import LightkilnError, LimitExceeded
from .shared.messages import Event, Message, Welcome

MAX_WAITING = 4096
"""Things that must not be lost; a backend that sends more while nobody looks is cut off."""


class Link(StrEnum):
    """How the client stands with its backend."""

    OFF = "off"
    CONNECTING = "connecting"
    ONLINE = "online"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The connection came or went."""

    link: Link
    welcome: Welcome | None = None
    address: Address | None = None
    """Where the backend has answered."""
    error: LightkilnError | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """The backend sent an event, or the state of a job on starting to watch it."""

    message: Message
    body: Picture | CoarseMesh | None = None
    """What came with it, decoded and checked."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How far an order is on its way."""

    order_id: str
    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A call is over; `then` wants its future, on the main thread."""

    future: Future[Any]
    then: Callable[[Future[Any]], None]


Post = LinkChanged | Came | Sent | Settled


class Mailbox:
    """A queue from one thread to another in which newer news replaces older news."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Post] = deque()
        self._newest: dict[Hashable, Post] = {}

    def put(self, post: Post) -> None:
        """Leave something; raises `LimitExceeded` when too much waits."""
        key = _key(post)
        with self._lock:
            if key is not None:
                self._newest[key] = post
            elif len(self._kept) < MAX_WAITING:
                self._kept.append(post)
            else:
                raise LimitExceeded("the backend sends more than Blender can take")

    def get(self) -> Post | None:
        """Take the next thing, or None: what must not be lost comes first."""
        with self._lock:
            if self._kept:
                return self._kept.popleft()
            if self._newest:
                return self._newest.pop(next(iter(self._newest)))
        return None

    def drop_news(self) -> None:
        """Forget what a closed connection brought; calls that are over are still told."""
        with self._lock:
            self._kept = deque(post for post in self._kept if isinstance(post, Settled))
            self._newest.clear()


def _key(post: Post) -> Hashable:
    if isinstance(post, Sent):
        return (Sent, post.order_id)
    if isinstance(post, Came) and isinstance(post.message, Event) and post.message.coalesce_by:
        fields = (getattr(post.message, name) for name in post.message.coalesce_by)
        return (post.message.kind, *fields)
    return None
