# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol's core: an honest pair understands each other, and nothing else gets through."""

from __future__ import annotations

import copy
import os
import random
import resource
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln_shared.access import BeginPairing
from lightkiln_shared.errors import LimitExceeded, MalformedMessage, ProtocolError
from lightkiln_shared.jobs import JobState, JobSummary, Progress
from lightkiln_shared.messages import (
    BY_KIND,
    Bulk,
    Done,
    Failed,
    Hello,
    JobProgressed,
    ListJobs,
    ListMethods,
    Methods,
    PreviewMesh,
    PutFile,
    Request,
    SubmitJob,
    Watching,
    WatchJob,
    Welcome,
)
from lightkiln_shared.session import (
    HEADER,
    MAX_DATA,
    MAX_HELLO,
    STREAM_CREDIT,
    Closed,
    Data,
    Frame,
    Incoming,
    Received,
    Session,
    Side,
    reply_type,
)

HELLO = Hello(protocols=(1,), client="tests", token="t")
WELCOME = Welcome(protocol=1, server_version="0", server_id="0" * 16)
SUBMISSION = SubmitJob(
    request_id="0" * 32, title="t", method="m", preset="p", params={"a": 1.5}, scene="0" * 64
)
SUMMARY = JobSummary(
    job_id="0" * 16,
    title="t",
    method="m",
    preset="p",
    state=JobState.QUEUED,
    reason="",
    created=0.0,
    progress=None,
)

PROGRESS = Progress(
    phase="p", step=1, num_steps=2, fraction=0.5, elapsed=1.0, seconds_left=1.0, metrics={"l": 1.0}
)


def opened() -> tuple[Session, Session]:
    """A client and a server that have greeted each other."""
    client, server = Session(Side.CLIENT), Session(Side.SERVER)
    number, frame = client.request(HELLO)
    assert list(server.receive(frame)) == [Incoming(HELLO, number, 0)]
    assert list(client.receive(server.reply(WELCOME, number))) == [Incoming(WELCOME, 0, number)]
    return client, server


def put(size: int, bulk: Bulk) -> PutFile:
    return PutFile(sha256="0" * 64, size=size, offset=0, bulk=bulk)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 9000), max_size=40), st.integers(1, 60))
def test_however_the_bytes_are_cut_the_same_arrives(cuts: list[int], count: int) -> None:
    client, server = opened()
    sent = [client.request(ListJobs() if i % 2 else WatchJob(job_id=str(i))) for i in range(count)]
    wire = b"".join(frame for _, frame in sent)
    received: list[Received] = []
    for cut in [*cuts, len(wire)]:
        received += list(server.receive(wire[:cut]))
        wire = wire[cut:]
    assert [r.request_id for r in received if isinstance(r, Incoming)] == [n for n, _ in sent]


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=100), st.integers(1, 90_000))
def test_a_bulk_arrives_whole_within_its_credit(pattern: bytes, repeats: int) -> None:
    data = pattern * repeats
    client, server = opened()
    bulk = client.announce(len(data))
    list(server.receive(client.request(put(len(data), bulk))[1]))
    arrived = bytearray()
    ended = False
    sent = 0
    while sent < len(data):
        size = client.sendable(bulk.stream)
        assert 0 < size <= MAX_DATA
        frame = client.data_header(bulk.stream, size) + data[sent : sent + size]
        sent += size
        for received in server.receive(frame):
            assert isinstance(received, Data)
            arrived += received.chunk
            ended = received.last
            list(client.receive(server.consumed(bulk.stream, len(received.chunk))))
    assert ended
    assert arrived == data


def test_without_credit_nothing_may_be_sent() -> None:
    client, server = opened()
    bulk = client.announce(2 * STREAM_CREDIT)
    list(server.receive(client.request(put(bulk.size, bulk))[1]))
    for _ in range(STREAM_CREDIT // MAX_DATA):
        list(server.receive(client.data_header(bulk.stream, MAX_DATA) + bytes(MAX_DATA)))
    assert client.sendable(bulk.stream) == 0
    with pytest.raises(LimitExceeded, match="credit"):
        list(server.receive(HEADER.pack(Frame.DATA, bulk.stream, MAX_DATA)))


def test_a_first_frame_other_than_a_hello_ends_the_session() -> None:
    for first in (
        Session(Side.CLIENT).request(ListMethods())[1],
        HEADER.pack(Frame.PING, 0, 0),
        HEADER.pack(Frame.DATA, 1, 1) + b"x",
        HEADER.pack(Frame.CREDIT, 0, 4) + bytes(4),
    ):
        with pytest.raises(MalformedMessage):
            list(Session(Side.SERVER).receive(first))
    with pytest.raises(LimitExceeded):
        list(Session(Side.SERVER).receive(HEADER.pack(Frame.CONTROL, 0, MAX_HELLO + 1)))


def test_a_second_hello_ends_the_session() -> None:
    client, server = opened()
    with pytest.raises(MalformedMessage, match="one hello"):
        list(server.receive(client.request(HELLO)[1]))


def test_a_refused_hello_leaves_the_session_closed() -> None:
    client, server = Session(Side.CLIENT), Session(Side.SERVER)
    number, frame = client.request(HELLO)
    list(server.receive(frame))
    refusal = Failed(code="not_authorised", message="no")
    assert list(client.receive(server.reply(refusal, number))) == [Incoming(refusal, 0, number)]
    with pytest.raises(MalformedMessage):
        list(server.receive(client.request(ListJobs())[1]))


def test_a_reply_of_the_wrong_type_or_to_nothing_is_refused() -> None:
    client, server = opened()
    number, _ = client.request(ListMethods())
    with pytest.raises(MalformedMessage, match="does not answer"):
        list(client.receive(server.reply(Done(), number)))
    with pytest.raises(MalformedMessage, match="answers no request"):
        list(client.receive(server.reply(Methods(methods=(), default=""), number + 7)))


def test_every_request_names_the_type_of_its_reply() -> None:
    requests = [cls for cls in BY_KIND.values() if issubclass(cls, Request)]
    assert len(requests) > 10
    replies = {cls.kind: reply_type(cls).kind for cls in requests}
    assert replies["watch_job"] == Watching.kind
    assert replies["unwatch_job"] == Done.kind


@pytest.mark.parametrize("stream", [0, 2, 2**33])
def test_a_stream_of_the_wrong_parity_or_range_is_refused(stream: int) -> None:
    client, server = opened()
    with pytest.raises(MalformedMessage, match="may not be announced"):
        list(server.receive(client.request(put(4, Bulk(stream=stream, size=4)))[1]))


def test_a_stream_number_is_never_used_twice() -> None:
    client, server = opened()
    frame = client.request(put(4, Bulk(stream=5, size=0)))[1]
    list(server.receive(frame))
    for number in (5, 3):
        with pytest.raises(MalformedMessage, match="may not be announced"):
            list(server.receive(client.request(put(4, Bulk(stream=number, size=0)))[1]))


def test_more_credit_than_there_was_is_refused() -> None:
    client, server = opened()
    with pytest.raises(LimitExceeded, match="more credit"):
        list(client.receive(server.consumed(0, 1)))


def test_a_close_carries_its_reason() -> None:
    client, server = opened()
    assert list(client.receive(server.close("too much"))) == [Closed("too much")]


# ------------------------------------------------------------------ hostile bytes

NUM_MUTATIONS = int(os.environ.get("LIGHTKILN_FUZZ", "200000"))
"""Changed frames, all states and both sides together."""
MAX_SECONDS, MAX_GROWTH_MB = 0.1, 32
ROUND = 500
"""Changed frames of one honest conversation."""


def conversation(side: Side, rng: random.Random) -> list[bytes]:
    """What an honest peer of that side might say, frame by frame."""
    speaker = Session(Side.CLIENT if side is Side.SERVER else Side.SERVER)
    frames = [speaker.ping(), speaker.pong(), speaker.close("bye"), speaker.consumed(0, 10)]
    bulk = speaker.announce(64)
    chunk = speaker.data_header(bulk.stream, 64) + rng.randbytes(64)
    if side is Side.SERVER:
        pairing = BeginPairing(protocols=(1,), client="a", nonce="0" * 64)
        asked = (HELLO, pairing, WatchJob(job_id="0" * 16), SUBMISSION, put(64, bulk))
        frames += [speaker.request(message)[1] for message in asked]
    else:
        frames += [
            speaker.event(JobProgressed(job_id="0" * 16, progress=PROGRESS)),
            speaker.event(PreviewMesh(job_id="0", num_vertices=3, num_triangles=1, bulk=bulk)),
            speaker.reply(WELCOME, 1),
            speaker.reply(Watching(job=SUMMARY), 2),
            speaker.reply(Failed(code="user", message="m"), 2),
        ]
    return [*frames, chunk]


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """A frame with a few changes, its header's length mended as often as not."""
    changed = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed))
        match rng.randrange(4):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + rng.randrange(8)] = rng.randbytes(rng.randrange(1, 8))
            case 2:
                changed[at:at] = changed[: rng.randrange(64)]
            case _:
                del changed[at:]
                changed += rng.randbytes(16)
    if rng.random() < 0.5:
        length = max(0, len(changed) - HEADER.size)
        changed[8:12] = length.to_bytes(4)
    return bytes(changed)


def states(side: Side) -> dict[str, Session]:
    """A session of that side in each state in which bytes may reach it."""
    client, server = opened()
    client.request(WatchJob(job_id="0" * 16))
    midway_client, midway_server = opened()
    midway_client.request(WatchJob(job_id="0" * 16))
    up, down = midway_client.announce(10**6), midway_server.announce(10**6)
    list(midway_server.receive(midway_client.request(put(10**6, up))[1]))
    event = PreviewMesh(job_id="0" * 16, num_vertices=3, num_triangles=1, bulk=down)
    list(midway_client.receive(midway_server.event(event)))
    asking, asked = Session(Side.CLIENT), Session(Side.SERVER)
    hello = asking.request(HELLO)[1]
    list(asked.receive(hello[:20]))
    is_server = side is Side.SERVER
    return {
        "fresh": Session(side),
        "within a hello": asked if is_server else asking,
        "open": server if is_server else client,
        "with streams under way": midway_server if is_server else midway_client,
    }


def copied(session: Session) -> Session:
    """A session that can be spoilt."""
    other = copy.copy(session)
    other.__dict__.update({name: copy.copy(value) for name, value in vars(session).items()})
    return other


def fed(session: Session, hostile: bytes) -> bool:
    """Whether the session goes on."""
    try:
        for _ in session.receive(hostile):
            pass
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize("side", Side)
def test_mutated_frames_end_a_session_with_a_protocol_error_or_not_at_all(side: Side) -> None:
    seed = int(os.environ.get("LIGHTKILN_SEED", time.time_ns()))
    rng = random.Random(seed)
    whole = states(side)
    sessions = {name: copied(session) for name, session in whole.items()}
    slow, before = [], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(NUM_MUTATIONS // (2 * ROUND)):
        honest = conversation(side, rng)
        for _ in range(ROUND):
            state = rng.choice(tuple(whole))
            hostile = mutated(rng.choice(honest), rng)
            start = time.perf_counter()
            try:
                lives = fed(sessions[state], hostile)
            except Exception as error:
                raise AssertionError(f"seed {seed}, {state}: {hostile!r}") from error
            if time.perf_counter() - start > MAX_SECONDS:
                slow.append((state, hostile))  # or somebody else needed the processor
            if not lives or rng.random() < 0.05:  # one that waits for more would swallow the rest
                sessions[state] = copied(whole[state])
    for state, hostile in slow:
        start = time.thread_time()
        fed(copied(whole[state]), hostile)
        assert time.thread_time() - start < MAX_SECONDS, f"seed {seed}, {state}: {hostile!r}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MAX_GROWTH_MB * 1024, "kilobytes, on Linux"
