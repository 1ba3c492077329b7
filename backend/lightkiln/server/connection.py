# SPDX-License-Identifier: GPL-3.0-or-later
"""One client's connection: a reader, a writer and a pulse around one `Session`.

The reader takes requests one after the other; only those that bring bytes of their own are answered
beside it, since their bytes come through the same reader. Whatever breaks a rule ends the
connection with a reason; nothing of a client's state outlives it but what is on disk.
It must not know what requests mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from typing import Any, cast

from lightkiln_shared.access import Paired, PairingChallenge
from lightkiln_shared.address import is_loopback
from lightkiln_shared.errors import LightkilnError, NotAuthorised, ProtocolError, of_system
from lightkiln_shared.messages import Bulk, Failed, Reply, Request, Welcome
from lightkiln_shared.session import (
    Closed,
    CreditGrown,
    Data,
    Incoming,
    Pinged,
    Received,
    Session,
    Side,
)

from . import limits
from .caller import Caller, Services
from .handlers import FileAnswer, answer_to
from .incoming import IncomingStream
from .outbox import Outbox
from .records import RecordCursor

READ_BYTES = 1024 * 1024
FAREWELL, SILENCE = 5.0, 1.0
"""Seconds for the reason to be taken by a client that goes on sending, and by one that is still."""
_log = logging.getLogger(__name__)


class _Over(Exception):
    """The connection has come to its orderly end."""


class Connection:
    """From the end of the TLS handshake to the end of the connection."""

    def __init__(
        self,
        services: Services,
        reader: StreamReader,
        writer: StreamWriter,
        on_welcome: Callable[[], None],
    ) -> None:
        """`on_welcome` is called once the client has said a good hello."""
        self._reader, self._writer = reader, writer
        self._session = Session(Side.SERVER)
        self._outbox = Outbox(self._session)
        records = RecordCursor(services.queue)
        is_here = is_loopback(writer.get_extra_info("peername")[0])
        self._caller = Caller(services, self._outbox, records, is_here)
        self._arriving: dict[int, IncomingStream] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._heard_at = time.monotonic()
        self._is_welcome = asyncio.Event()
        self._on_welcome = on_welcome

    async def run(self) -> None:
        """Serve the client until one side ends it."""
        try:
            await self._run_parts()
        except (_Over, OSError):
            pass
        except ProtocolError as error:
            _log.info("a session was ended: %s", error)
            await self._say_why(error)
        except Exception:  # noqa: BLE001 a connection ends here: a fault in it must not reach the others
            _log.exception("a connection failed")
        finally:
            self._caller.leave()
            for stream in self._arriving.values():
                stream.cut()
            await asyncio.gather(*self._answers, return_exceptions=True)
            self._outbox.close()

    async def _run_parts(self) -> None:
        first = self._expect_hello()  # its time runs before anything is read
        parts = [first, self._read(), self._write(), self._pulse(), self._expect_revocation()]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    async def _say_why(self, error: ProtocolError) -> None:
        with contextlib.suppress(OSError):
            self._writer.writelines(self._outbox.take_frames())
            self._writer.write(self._session.close(error.message))
            async with asyncio.timeout(FAREWELL):
                await self._writer.drain()
                # Closing with anything unread would reset the connection, and the reason be lost.
                while await asyncio.wait_for(self._reader.read(READ_BYTES), SILENCE):
                    pass

    # ------------------------------------------------------------ reading

    async def _read(self) -> None:
        while data := await self._reader.read(READ_BYTES):
            self._heard_at = time.monotonic()
            for received in self._session.receive(data):
                await self._take(received)
        raise _Over

    async def _take(self, received: Received) -> None:
        match received:
            case Incoming():
                await self._outbox.room()
                await self._take_request(received)
            case Data(stream, chunk, last):
                self._arriving[stream].add(chunk)
                if last:
                    del self._arriving[stream]
            case CreditGrown():
                self._outbox.wake()
            case Pinged():
                await self._outbox.room()
                self._outbox.put(self._session.pong())
            case Closed():
                raise _Over

    async def _take_request(self, incoming: Incoming) -> None:
        bulk = getattr(incoming.message, "bulk", None)
        if not isinstance(bulk, Bulk):
            await self._answer(incoming)
            return
        stream = IncomingStream(self._session, self._outbox, bulk)
        self._caller.streams[bulk.stream] = stream
        if bulk.size > 0:
            self._arriving[bulk.stream] = stream
        task = asyncio.create_task(self._answer_with(incoming, stream))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer_with(self, incoming: Incoming, stream: IncomingStream) -> None:
        try:
            await self._answer(incoming)
        finally:
            stream.abandon()

    async def _answer(self, incoming: Incoming) -> None:
        request = cast("Request[Any]", incoming.message)  # a session of this side yields no other
        self._caller.count(request)
        try:
            answer = await answer_to(self._caller, request)
        except LightkilnError as error:
            answer = _failed(error)
        except OSError as error:
            _log.exception("%s failed", request.kind)
            answer = _failed(of_system(error))
        if isinstance(answer, FileAnswer):
            self._outbox.put_file(answer.reply, incoming.request_id, answer.source)
        else:
            self._reply(answer, incoming.request_id)

    def _reply(self, reply: Reply, request_id: int) -> None:
        self._outbox.put_reply(reply, request_id)
        if isinstance(reply, Welcome):
            self._is_welcome.set()
            self._on_welcome()
        elif isinstance(reply, Paired):
            raise ProtocolError("paired: say hello with the token")
        elif isinstance(reply, PairingChallenge):
            now = asyncio.get_running_loop().time()
            self._strangers_time.reschedule(now + limits.PROOF_SECONDS)
        elif not self._is_welcome.is_set():
            raise ProtocolError("the session was not opened")

    # ------------------------------------------------------------ writing and waiting

    async def _write(self) -> None:
        while True:
            for event in await self._caller.records.fetch():
                self._outbox.put_event(event)
            pieces = await self._outbox.take()
            if pieces:
                self._writer.writelines(pieces)
                async with asyncio.timeout(limits.WRITE_SECONDS):
                    await self._writer.drain()
            else:
                await self._outbox.wait()

    async def _pulse(self) -> None:
        while time.monotonic() - self._heard_at < limits.DEAD_SECONDS:
            await asyncio.sleep(limits.PING_SECONDS)
            if self._is_welcome.is_set():
                self._outbox.put(self._session.ping())
        raise _Over

    async def _expect_hello(self) -> None:
        async with asyncio.timeout(limits.HELLO_SECONDS) as self._strangers_time:
            await self._is_welcome.wait()

    async def _expect_revocation(self) -> None:
        await self._is_welcome.wait()
        await self._caller.known().revoked.wait()
        raise NotAuthorised("The pairing of this client has ended.", hint="Pair it again.")


def _failed(error: LightkilnError) -> Failed:
    return Failed(code=error.code, message=error.message, hint=error.hint)
