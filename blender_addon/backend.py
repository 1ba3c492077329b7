# SPDX-License-Identifier: GPL-3.0-or-later
"""The one client of this Blender: made on connecting, asked by everything on the main thread.

It must not know what is asked, nor what the answers mean.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from . import places, status
from .client import Client
from .mailbox import Link, Mailbox, Settled

mailbox = Mailbox()
_client: Client | None = None
T = TypeVar("T")


def connect(*, may_start: bool = True) -> None:
    """Connect to the backend in use; start this computer's if need be. Returns at once.

    `UserError` if it may not be reached now.
    """
    global _client
    disconnect()
    _client = Client(places.finder(may_start=may_start), mailbox)
    status.current.link, status.current.link_error = Link.CONNECTING, ""


def disconnect() -> None:
    """Close the connection; the backend and its jobs go on."""
    global _client
    if _client is not None:
        _client.close()
        mailbox.drop_news()
    _client = None
    status.current.link, status.current.link_error = Link.OFF, ""
    status.current.welcome = status.current.load = None


def refuse(reason: str) -> None:
    """Close the connection, and say why."""
    disconnect()
    status.current.link, status.current.link_error = Link.FAILED, reason


def client() -> Client:
    """The client; connects where there is none, or one that has given up."""
    if _client is None or status.current.link is Link.FAILED:
        connect()
    assert _client is not None
    return _client


def is_connected() -> bool:
    """True if there is a client that has not given up."""
    return _client is not None and status.current.link is not Link.FAILED


def aside(work: Callable[[], T]) -> Future[T]:
    """Do something in a thread of its own, which must not touch Blender."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lightkiln-aside")
    future = thread.submit(work)
    thread.shutdown(wait=False)  # it ends with its work
    return future


def when_done(future: Future[Any], then: Callable[[Future[Any]], None]) -> None:
    """Have `then` called with the future, on the main thread, once it is done.

    That may be after disconnecting: who asks on from there looks at `is_connected` first, since
    `client` would connect again.
    """
    future.add_done_callback(lambda done: mailbox.put(Settled(done, then)))
