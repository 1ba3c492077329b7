# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes in comes out; whatever else comes in is refused with its place."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln_shared.codec import MAX_ITEMS, from_json, pack, to_json, to_plain, unpack
from lightkiln_shared.errors import BY_CODE, MalformedMessage, from_code
from lightkiln_shared.jobs import Progress
from lightkiln_shared.messages import BY_KIND, Message, SubmitJob
from lightkiln_shared.scene import Scene
from lightkiln_shared.session import MAX_CONTROL
from wire_strategies import instances, messages

EXAMPLES = int(os.environ.get("LIGHTKILN_EXAMPLES", "30"))
"""Of each message; a campaign asks for 2,000."""
TRACING = 10
"""How much slower Python is while its memory is traced, at most."""
SUBMISSION = SubmitJob(
    request_id="1", title="t", method="m", preset="p", params={"seed": 1}, scene="s"
)


@pytest.mark.parametrize("cls", BY_KIND.values(), ids=BY_KIND)
def test_every_message_survives_the_wire(cls: type[Message]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(message=instances(cls), number=st.integers(0, 2**53 - 1))
    def survives(message: Message, number: int) -> None:
        read, request_id, reply_to = unpack(pack(message, number, number))
        assert type(read) is cls
        assert to_plain(read) == to_plain(message)
        assert (request_id, reply_to) == (number, number)

    survives()


@settings(max_examples=50, deadline=None)
@given(instances(Scene))
def test_a_scene_survives_as_a_document(scene: Scene) -> None:
    assert to_plain(from_json(Scene, to_json(scene))) == to_plain(scene)


@settings(max_examples=300, deadline=None)
@given(messages(), st.data())
def test_a_field_of_another_type_is_refused_by_name(message: Message, data: st.DataObject) -> None:
    body = to_plain(message)
    if not body:
        return
    name = data.draw(st.sampled_from(sorted(body)))
    body[name] = {"x": [{"y": None}]}  # which no field accepts
    with pytest.raises(MalformedMessage):
        unpack(envelope(message.kind, body))


def envelope(kind: str, body: Any) -> bytes:
    return bytes(msgpack.packb({"kind": kind, "id": 1, "re": 0, "body": body}))


def test_a_missing_field_is_refused_and_a_default_fills_in() -> None:
    body = to_plain(SUBMISSION)
    del body["time_limit"]
    assert unpack(envelope("submit_job", body))[0] == SUBMISSION
    del body["method"]
    with pytest.raises(MalformedMessage, match="submit_job: expected field 'method'"):
        unpack(envelope("submit_job", body))


def test_a_field_of_a_newer_peer_is_skipped() -> None:
    body = {**to_plain(SUBMISSION), "colour": "blue"}
    assert unpack(envelope("submit_job", body))[0] == SUBMISSION


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"seed": [1]}, "submit_job.params.seed: expected bool or int or float or str, got list"),
        ({"seed": float("nan")}, "submit_job.params.seed: expected finite number"),
        ({"seed": 2**63}, "submit_job.params.seed: expected 64-bit int"),
        ({b"seed": 1}, "submit_job.params: expected text as key"),
    ],
)
def test_an_error_names_the_place(params: dict[Any, Any], place: str) -> None:
    with pytest.raises(MalformedMessage, match=place):
        unpack(envelope("submit_job", {**to_plain(SUBMISSION), "params": params}))


def nested(depth: int) -> bytes:
    return b"\x81\xa1x" * depth + b"\xc0"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xdd\xff\xff\xff\xff",
        nested(60),
        nested(20_000),
        bytes(msgpack.packb([{}] * MAX_ITEMS)),
        bytes(msgpack.packb({"kind": "done", "body": {"x": msgpack.ExtType(5, b"1")}})),
        bytes(msgpack.packb({"kind": "done", "body": {1: 2}})),
        bytes(msgpack.packb({"kind": "no_such", "body": {}})),
        bytes(msgpack.packb({"kind": "done", "id": -1, "body": {}})),
        bytes(msgpack.packb({"kind": "done", "id": True, "body": {}})),
        bytes(msgpack.packb({"kind": "done", "body": {"text": "x" * 9000}})),
    ],
    ids=lambda payload: repr(payload[:16]),
)
def test_hostile_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        unpack(payload)


def test_no_control_frame_costs_more_than_a_few_megabytes() -> None:
    maps = b"\xdc" + MAX_ITEMS.to_bytes(2) + b"\x80" * MAX_ITEMS
    payload = (b"\x9f" + maps * 15)[:MAX_CONTROL]
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(MalformedMessage):
        unpack(payload)
    assert time.thread_time() - began < 0.03 * TRACING
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(MalformedMessage):
        from_json(Progress, b'{"phase": "x", "fraction": NaN}')
    fields = {f.name: 0 for f in dataclasses.fields(Progress)} | {"phase": "x", "metrics": {}}
    with pytest.raises(MalformedMessage, match="finite"):
        from_json(Progress, json.dumps(fields | {"elapsed": float("inf")}).encode())


def test_every_error_is_rebuilt_from_its_code() -> None:
    for code, cls in BY_CODE.items():
        error = from_code(code, "What happened.", "What to do.")
        assert type(error) is cls
        assert (error.code, str(error)) == (code, "What happened. What to do.")
    assert from_code("of a newer peer", "x").code == "internal"
