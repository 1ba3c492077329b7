# SPDX-License-Identifier: GPL-3.0-or-later
"""The thread that talks to the backend, and the calls by which the main thread uses it. No bpy.

A call returns a future at once; what the backend says unasked goes to the mailbox. A broken line is
mended here (full jitter, 0.25 to 10 s); calls that were under way are made again, which is harmless
because the backend answers a repeat like the first time. Reading and hashing happen here too.
It must not know how a backend is found or started: it is given a function for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from . import (
    candidates,
    found_masks,
    previews,
    results,
    said,
    shots,
    solved,
    straight,
    thumbnails,
)
from .connection import Connection, Endpoint, Stopwatch, connect, open_session
from .mailbox import Came, Link, LinkChanged, Mailbox, Sent
from .previews import CoarseMesh, Picture
from .shared.address import Address
from .shared.errors import (
    BackendLost,
    JobCancelled,
    LightkilnError,
    NotAuthorised,
    UnknownJob,
    VersionMismatch,
)
from .shared.messages import (
    Event,
    JobRecorded,
    ListMethods,
    LookFrom,
    PreviewImage,
    PreviewMesh,
    Request,
    SubmitJob,
    Watching,
    WatchJob,
)
from .transfers import send_files

T = TypeVar("T")
Work = Callable[[Connection], Awaitable[T]]

NAME = "blender-extension/0.1.0"
MIN_PAUSE = 0.25
MAX_PAUSE = 10.0
MAX_ATTEMPTS = 3
"""At a call whose connection breaks, of those that break soon: a call that breaks connections is
not made for ever, a long one over a bad line is."""
SOON_SECONDS = 10.0
CLOSE_SECONDS = 2.0
HOPELESS = (NotAuthorised, VersionMismatch)
"""Errors that trying again does not mend."""


class Client:
    """Keeps a session with one backend alive. All methods are called from the main thread."""

    def __init__(self, locate: Callable[[], Endpoint], mailbox: Mailbox) -> None:
        """`locate` may block; it is called in the thread before each attempt to connect."""
        self._locate, self._mailbox = locate, mailbox
        self._connection: asyncio.Future[Connection]
        self._watched: dict[str, int] = {}
        self._look: LookFrom | None = None
        self._is_closing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="lightkiln-client", daemon=True)
        self._thread.start()

    def request(self, message: Request[Any]) -> Future[Any]:
        """Send a request; the future holds its reply or a `LightkilnError`."""
        return self._call(lambda connection: connection.request(message))

    def submit(self, order: shots.Order) -> Future[str]:
        """Read, check and send a scene, and queue its job; the future holds the job's id."""

        async def work(connection: Connection) -> str:
            return await self._submit(connection, order)

        return self._call(work)

    def fetch_result(self, job_id: str, folder: Path, step: int) -> Future[results.Brought]:
        """Fetch what a job has left, checked and ready for Blender; see `results.fetch`."""
        return self._call(lambda connection: results.fetch(connection, job_id, folder, step))

    def fetch_solved(
        self, job_id: str, chosen: Sequence[Path], folder: Path, command: str
    ) -> Future[solved.Solved]:
        """Fetch the cameras that an alignment has left, with pictures to show behind them."""

        async def fetch(connection: Connection) -> solved.Solved:
            found = await solved.fetch(connection, job_id, chosen, folder)
            return await asyncio.to_thread(straight.add, command, found)

        return self._call(fetch)

    def fetch_thumbnail(self, job_id: str, folder: Path) -> Future[Path]:
        """Fetch a job's small picture into a folder: see `thumbnails.fetch`."""
        return self._call(lambda connection: thumbnails.fetch(connection, job_id, folder))

    def fetch_masks(self, job_id: str, folder: Path) -> Future[tuple[found_masks.FoundMask, ...]]:
        """Fetch the masks that a job has found into a folder."""
        return self._call(lambda connection: found_masks.fetch(connection, job_id, folder))

    def fetch_candidates(self, job_id: str, folder: Path) -> Future[candidates.Drawn]:
        """Fetch the pictures that a job has drawn of a prompt into a folder."""
        return self._call(lambda connection: candidates.fetch(connection, job_id, folder))

    def fetch_said(self, job_id: str) -> Future[said.Said]:
        """Fetch what a job of words was asked for."""
        return self._call(lambda connection: said.fetch(connection, job_id))

    def watch(self, job_id: str, since: int = 0) -> Future[None]:
        """Follow a job from a record on, across reconnections, until `unwatch`."""

        async def work(connection: Connection) -> None:
            self._watched[job_id] = since
            await self._watch(connection, job_id)

        return self._call(work)

    def watches(self, job_id: str) -> bool:
        """True if a job is followed."""
        return job_id in self._watched

    def unwatch(self, job_id: str) -> None:
        """Stop following a job: what still comes of it is dropped."""
        self._loop.call_soon_threadsafe(self._watched.pop, job_id, None)

    def look_from(self, message: LookFrom) -> Future[Any]:
        """Ask for previews; asked again after a reconnection."""
        self._look = message
        return self.request(message)

    def close(self) -> None:
        """End the session and the thread, within two seconds."""
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(CLOSE_SECONDS)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._connection = self._loop.create_future()
        self._main = self._loop.create_task(self._keep_connected())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass  # `close`
        finally:
            self._loop.run_until_complete(self._end_calls())
            self._loop.close()

    def _stop(self) -> None:
        self._is_closing = True  # a cancel alone may be forgotten: see `Connection._read_all`
        if self._connection.done() and not self._connection.exception():
            self._connection.result().close()
        self._main.cancel()

    async def _end_calls(self) -> None:
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _call(self, work: Work[T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(self._repeating(work), self._loop)

    async def _repeating(self, work: Work[T]) -> T:
        num_broken = 0
        while True:
            connection = await asyncio.shield(self._connection)
            begun = Stopwatch()
            try:
                return await work(connection)
            except BackendLost:
                num_broken = num_broken + 1 if begun.seconds < SOON_SECONDS else 0
                if num_broken == MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(MIN_PAUSE)  # lets `_keep_connected` see the loss too
            except LightkilnError:
                raise
            except Exception as error:  # a call ends here: it must not end in silence
                raise _unforeseen(error) from error

    async def _keep_connected(self) -> None:
        num_failures = 0
        self._mailbox.put(LinkChanged(Link.CONNECTING))
        while True:
            error = await self._one_session()
            if self._is_closing:
                return
            if self._connection.done():
                num_failures, self._connection = 0, self._loop.create_future()
            if isinstance(error, HOPELESS) or not isinstance(error, BackendLost):
                self._give_up(error)
                await asyncio.Event().wait()  # for `close`
            self._mailbox.put(LinkChanged(Link.RECONNECTING, error=error))
            ceiling = min(MAX_PAUSE, MIN_PAUSE * 2**num_failures)
            await _pause(max(MIN_PAUSE, random.uniform(0.0, ceiling)))
            num_failures += 1

    async def _one_session(self) -> LightkilnError:
        """Connect, serve and return the error that ended it."""
        try:
            endpoint = await asyncio.to_thread(self._locate)
            connection = await connect(endpoint, self._on_news)
            reading = asyncio.create_task(connection.run())
            try:
                welcome = await open_session(connection, endpoint, NAME)
                where = Address(endpoint.address, endpoint.port)
                self._mailbox.put(LinkChanged(Link.ONLINE, welcome=welcome, address=where))
                self._connection.set_result(connection)
                await self._catch_up(connection)
                await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        except LightkilnError as error:
            return error
        except Exception as error:  # noqa: BLE001 a connection ends here, and a person must hear why
            return _unforeseen(error)
        return BackendLost("The connection to the backend ended.")

    def _give_up(self, error: LightkilnError) -> None:
        self._connection.set_exception(error)
        self._connection.exception()  # seen: perhaps no call waits
        self._mailbox.put(LinkChanged(Link.FAILED, error=error))

    async def _catch_up(self, connection: Connection) -> None:
        for job_id in tuple(self._watched):
            with contextlib.suppress(UnknownJob):  # deleted meanwhile
                await self._watch(connection, job_id)
        if self._look is not None and self._look.job_id in self._watched:
            await connection.request(self._look)

    async def _watch(self, connection: Connection, job_id: str) -> None:
        since = self._watched.get(job_id, 0)
        try:
            await connection.request(WatchJob(job_id=job_id, since=since))
        except UnknownJob:
            self._watched.pop(job_id, None)
            raise

    def _on_news(self, news: Event | Watching, body: bytes) -> None:
        job_id = news.job.job_id if isinstance(news, Watching) else getattr(news, "job_id", "")
        if job_id not in self._watched:
            return
        if isinstance(news, JobRecorded):
            if news.record.seq <= self._watched[job_id]:
                return
            self._watched[job_id] = news.record.seq
        self._mailbox.put(Came(news, _decoded(news, body)))

    async def _submit(self, connection: Connection, order: shots.Order) -> str:
        def tell(stage: str, fraction: float) -> None:
            if order.cancelled.is_set():
                raise JobCancelled("Cancelled before the backend had the job.")
            self._mailbox.put(Sent(order.order_id, stage, fraction))

        if order.path is not None and not await _renders(connection, order.method):
            order = replace(order, path=None)
        prepared = await asyncio.to_thread(shots.prepare, order, tell)
        await send_files(
            connection,
            prepared.files,
            lambda sent, total: tell("Sending images", sent / max(total, 1)),
        )
        accepted = await connection.request(
            SubmitJob(
                request_id=order.order_id,
                title=order.title,
                method=order.method,
                preset=order.preset,
                params=order.params,
                scene=prepared.scene_sha256,
                time_limit=order.time_limit,
                finish=order.finish,
                seed=order.seed,
            )
        )
        return accepted.job_id


async def _pause(seconds: float) -> None:
    """Wait, but no longer than until the computer has slept."""
    waited = Stopwatch()
    while waited.seconds < seconds:
        await asyncio.sleep(min(1.0, seconds))


async def _renders(connection: Connection, method: str) -> bool:
    """Whether a method makes pictures along a path."""
    methods = (await connection.request(ListMethods())).methods
    return any(info.name == method and info.renders_frames for info in methods)


def _unforeseen(error: Exception) -> LightkilnError:
    return LightkilnError(f"The extension failed: {type(error).__name__}: {error}.")


def _decoded(news: Event | Watching, body: bytes) -> Picture | CoarseMesh | None:
    if isinstance(news, PreviewImage):
        return previews.picture(news, body)
    if isinstance(news, PreviewMesh):
        return previews.coarse_mesh(news, body)
    return None
