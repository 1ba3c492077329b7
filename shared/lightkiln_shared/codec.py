# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses <-> plain values <-> msgpack and JSON; strict, and every error names the place.

Plain values are None, bool, int (64 bits), finite float, str, bytes, list and dict with str keys.
An unknown field is skipped (a newer peer may send it), a missing one must have a default, and
every other deviation is a `MalformedMessage` like `submit_job.params.seed: expected int, got list`.
Limits hold before anything is built, so a hostile frame of 64 KiB costs a few MiB at most.
It must not know sockets or frames.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union

import msgpack
import numpy as np

from . import access, sharing  # noqa: F401 their messages are known from here on
from .errors import MalformedMessage
from .messages import BY_KIND, Message

MAX_DEPTH = 10
MAX_STRING = 8192
MAX_ITEMS = 4096
T = TypeVar("T")
Reader = Callable[[Any, str], Any]


def pack(message: Message, request_id: int = 0, reply_to: int = 0) -> bytes:
    """A control frame's payload: the message in its envelope."""
    envelope = {"kind": message.kind, "id": request_id, "re": reply_to, "body": to_plain(message)}
    return bytes(msgpack.packb(envelope, use_bin_type=True))


def unpack(payload: bytes) -> tuple[Message, int, int]:
    """Return the message, its request's number and the number it replies to (0: none)."""
    envelope = _read_msgpack(payload)
    kind = envelope.get("kind")
    if not isinstance(kind, str) or kind not in BY_KIND:
        raise MalformedMessage(f"unknown message kind {str(kind)[:40]!r}")
    numbers = [envelope.get("id", 0), envelope.get("re", 0)]
    if not all(type(n) is int and 0 <= n < 2**53 for n in numbers):
        raise MalformedMessage(f"{kind}: bad envelope numbers")
    return from_plain(BY_KIND[kind], envelope.get("body"), kind), *numbers


def to_json(value: Any) -> bytes:
    """A dataclass as a JSON document."""
    return json.dumps(to_plain(value), allow_nan=False, ensure_ascii=False).encode()


def from_json(cls: type[T], data: bytes) -> T:
    """Read a document made by `to_json`."""
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"{cls.__name__}: not a JSON document: {error}") from None
    return from_plain(cls, plain, cls.__name__.lower())


def to_plain(value: Any) -> Any:
    """Turn a dataclass and all it holds into plain values."""
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {f.name: to_plain(getattr(value, f.name)) for f in fields}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def from_plain(cls: type[T], value: Any, where: str) -> T:
    """Build a `cls` from plain values; `where` names the place in errors."""
    reader: Reader = _reader(cls)  # type: ignore[arg-type]  # a class is hashable
    made: T = reader(value, where)
    return made


def _read_msgpack(payload: bytes) -> dict[str, Any]:
    limits: dict[str, Any] = {
        "max_str_len": MAX_STRING,
        "max_bin_len": len(payload),
        "max_array_len": MAX_ITEMS,
        "max_map_len": MAX_ITEMS,
        "max_ext_len": 0,
    }
    try:
        plain = msgpack.unpackb(payload, raw=False, strict_map_key=True, **limits)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise MalformedMessage(f"not msgpack within the limits: {type(error).__name__}") from None
    if not isinstance(plain, dict):
        raise MalformedMessage(f"expected an envelope, got {type(plain).__name__}")
    _check_depth(plain, MAX_DEPTH)
    return plain


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, (dict, list)):
        return
    if left == 0:
        raise MalformedMessage("nested too deeply")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)


@cache
def _reader(hint: Any) -> Reader:
    """The function that reads one type; made once for each type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _array_reader(args[1])
    if origin in (Union, types.UnionType):
        return _union_reader(args)
    if origin is tuple:
        return _tuple_reader(args)
    if origin is dict:
        return _dict_reader(args[1])
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    return _scalar_reader(hint)


def _dataclass_reader(cls: Any) -> Reader:
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = dataclasses.fields(cls)
    readers = {f.name: _reader(hints[f.name]) for f in fields}
    required = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]

    def read(value: Any, where: str) -> Any:
        _expect(isinstance(value, dict), "map", value, where)
        for name in required:
            _expect(name in value, f"field {name!r}", None, where)
        known = {name: value[name] for name in readers if name in value}
        return cls(**{name: readers[name](item, f"{where}.{name}") for name, item in known.items()})

    return read


def _scalar_reader(cls: type) -> Reader:
    def read(value: Any, where: str) -> Any:
        if cls is float and type(value) is int:
            value = float(value)
        _expect(type(value) is cls, cls.__name__, value, where)
        if cls is float:
            _expect(math.isfinite(value), "finite number", value, where)
        if cls is int:
            _expect(-(2**63) <= value < 2**63, "64-bit int", value, where)
        return value

    return read


def _enum_reader(cls: type[Enum]) -> Reader:
    by_value = {member.value: member for member in cls}

    def read(value: Any, where: str) -> Any:
        known = isinstance(value, str) and value in by_value
        _expect(known, f"one of {', '.join(by_value)}", value, where)
        return by_value[value]

    return read


def _union_reader(options: tuple[Any, ...]) -> Reader:
    if type(None) in options:
        (other,) = (option for option in options if option is not type(None))
        inner = _reader(other)
        return lambda value, where: None if value is None else inner(value, where)
    by_type = {option: _reader(option) for option in options}

    def read(value: Any, where: str) -> Any:
        names = " or ".join(option.__name__ for option in options)
        _expect(type(value) in by_type, names, value, where)
        return by_type[type(value)](value, where)

    return read


def _tuple_reader(args: tuple[Any, ...]) -> Reader:
    any_length = args[-1] is Ellipsis
    readers = [_reader(arg) for arg in args if arg is not Ellipsis]

    def read(value: Any, where: str) -> Any:
        _expect(isinstance(value, list), "list", value, where)
        if not any_length:
            _expect(len(value) == len(readers), f"{len(readers)} items", value, where)
        each = readers * len(value) if any_length else readers
        pairs = enumerate(zip(each, value, strict=True))
        return tuple(reader(item, f"{where}[{i}]") for i, (reader, item) in pairs)

    return read


def _dict_reader(value_hint: Any) -> Reader:
    inner = _reader(value_hint)

    def read(value: Any, where: str) -> Any:
        _expect(isinstance(value, dict), "map", value, where)
        for key in value:
            _expect(isinstance(key, str), "text as key", key, where)
        return {key: inner(item, f"{where}.{key[:40]}") for key, item in value.items()}

    return read


def _array_reader(shape: tuple[int, int]) -> Reader:
    row = types.GenericAlias(tuple, (float,) * shape[1])
    rows = _tuple_reader((row,) * shape[0])

    def read(value: Any, where: str) -> Any:
        return np.array(rows(value, where), dtype=np.float64)

    return read


def _expect(holds: bool, expected: str, got: Any, where: str) -> None:
    if not holds:
        shown = "nothing" if got is None else type(got).__name__
        raise MalformedMessage(f"{where}: expected {expected}, got {shown}")
