# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes `docs/protocol.md` from the messages, the limits and the table of states.

The text of fields comes from the sources, since Python keeps no docstrings of fields. A test writes
the page again and compares.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union

from lightkiln.capture.sfm.solved import Reason
from lightkiln.jobs import align, candidates
from lightkiln.jobs import text as text_jobs
from lightkiln.jobs.state import TABLE
from lightkiln.server import limits
from lightkiln_shared import (
    PROTOCOL_VERSION,
    checks,
    codec,
    errors,
    messages,
    pairing,
    scene,
    session,
)
from lightkiln_shared.jobs import JobAction, JobState
from lightkiln_shared.messages import BY_KIND, Event, Message, Reply, Request

TRANSPORT = """TLS 1.3 over TCP, ALPN `lightkiln/1`; on the loopback address, with `--lan` on all
of them. The client knows the server by the SHA-256 of its certificate, and compares it before it
sends its first byte; the server knows the client by the token in its `hello`. The owner's token is
accepted from the server's own machine only."""
ALIGN = """The photographs are submitted as `photos` of a scene's document whose `views` are empty;
one of them may be a video (MP4, MOV, MKV, WebM, AVI, MPEG), by its content and not by its name. The
job is an ordinary one: files are offered and sent as for any scene, the same messages follow it.

Its phases are `reading`, `features`, `matching`, `cameras` and `scene`; the metrics of its progress
are `photographs`, `features`, `pairs`, `verified_pairs`, `matches`, `registered`, `points` and
`reprojection_error` (pixels of the images as they were matched, at most `max_side` long).

`scene.json` names every file by its SHA-256. What the client sent is not sent back; what it does
not have (frames of a video, JPEGs of HEIC photographs) is an artifact with that `sha256`, whatever
its name. `views` are the placed photographs in the order of submission, `photos` the others, and
`report.json` has under `alignment`:

```
placed              [{name, points, error}]: in the order of `views`; error in its own pixels
unplaced            [{name, sha256, reason, text}]: in the order of `photos`; `text` is a sentence
points              how many points `points.ply` holds
reprojection_error  mean, pixels of the images as they were matched
```

The world: Z up (from the photographs' own level and EXIF's orientation), the region's centre at the
origin, the median camera 1 m from it, and what the first photograph shows is seen from the front
(-Y). A box is the region. Lens distortion stands in the cameras (k1, k2, p1, p2, k3); images are
as they were sent, EXIF's orientation not applied."""
TEXT = """The scene has a `prompt` and no `views`; its `region`, if it has one, is where the thing
is to stand (else the cube [-1, 1]³ m), a first of its `photos` is a picture beside it, and the
prompt's `start` a mesh to begin from, binary PLY in the region's frame. A prompt is refused before
it is queued if it is empty, longer than {words} words or {characters} characters, or holds control
characters; any alphabet will do, and what a prior does not know is a warning of the job. A backend
that knows no prompts answers that the scene has no views, or that it has no such method."""
PAGE = Path(__file__).with_name("protocol.md")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole document."""
    parts = [
        "# The protocol",
        f"Version {PROTOCOL_VERSION}. Made by `make docs` from the sources; do not edit it here.",
        _plain(messages.__doc__).partition("\n\n")[2],
        "## Transport",
        TRANSPORT,
        "## Pairing",
        _plain(pairing.__doc__),
        "## Frames",
        _plain(session.__doc__),
        _frames(),
        "## Values",
        _plain(codec.__doc__),
        "## Limits",
        _limits(),
        "## Messages",
        *_messages(),
        "## Structures",
        *_structures(),
        "## The scene's document",
        _plain(scene.__doc__).partition("\n\n")[2],
        *_structures_of(scene.Scene),
        "## What the method `align` leaves",
        _plain(align.__doc__).partition("\n\n")[2],
        ALIGN,
        _reasons(),
        "## What methods that need `text` leave",
        TEXT.format(words=checks.MAX_WORDS, characters=checks.MAX_CHARACTERS),
        _plain(text_jobs.__doc__).partition("\n\n")[2],
        "One that makes `pictures` leaves, in place of a mesh:",
        _plain(candidates.__doc__).partition("\n\n")[2],
        "## The states of a job",
        _states(),
        "## Errors",
        _errors(),
    ]
    return "\n\n".join(parts) + "\n"


def _plain(docstring: str | None) -> str:
    """A file's docstring without its last sentence, which speaks to programmers; figures fenced."""
    text = inspect.cleandoc(docstring or "").split("It must not know")[0].rstrip()
    blocks = []
    for block in re.split(r"\n\s*\n", text):
        is_figure = block.startswith("    ")
        blocks.append(f"```\n{inspect.cleandoc(block)}\n```" if is_figure else block)
    return "\n\n".join(blocks)


def _frames() -> str:
    rows = [f"| {frame.value} | {frame.name.lower()} |" for frame in session.Frame]
    return "\n".join(["| type | frame |", "|---|---|", *rows])


def _limits() -> str:
    sources = {session: ("MAX", "STREAM_", "CONNECTION_C"), codec: ("MAX",), limits: ("",)}
    rows = []
    for module, prefixes in sources.items():
        about = _constants(module)
        for name, text in about.items():
            if name.startswith(prefixes):
                rows.append(f"| `{name}` | {getattr(module, name)} | {text} |")
    return "\n".join(["| limit | value | |", "|---|---|---|", *rows])


def _errors() -> str:
    about = {code: inspect.cleandoc(cls.__doc__ or "") for code, cls in errors.BY_CODE.items()}
    rows = [f"| `{code}` | {text} |" for code, text in about.items()]
    return "\n".join(["| code | |", "|---|---|", *rows])


def _constants(module: types.ModuleType) -> dict[str, str]:
    """A module's numeric constants and what is said of them."""
    body = ast.parse(inspect.getsource(module)).body
    names = {name: text for name, text in _described(body) if name.isupper()}
    return {n: text for n, text in names.items() if isinstance(getattr(module, n), (int, float))}


def _described(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Names that are assigned, each with the string that follows it."""
    for statement, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        target = statement.target if isinstance(statement, ast.AnnAssign) else target
        if isinstance(target, ast.Name):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            text = after.value.value if is_text else ""  # type: ignore[attr-defined]
            yield target.id, " ".join(str(text).split())


def _messages() -> Iterator[str]:
    for kind, cls in BY_KIND.items():
        yield f"### `{kind}`: {_direction(cls)}"
        yield _fields(cls)


def _direction(cls: type[Message]) -> str:
    if issubclass(cls, Request):
        return f"request, answered by `{session.reply_type(cls).kind}`"
    assert issubclass(cls, (Reply, Event))
    if issubclass(cls, Reply):
        return "reply"
    return f"event, the newest by {', '.join(cls.coalesce_by)}" if cls.coalesce_by else "event"


def _structures() -> Iterator[str]:
    seen: dict[str, type] = {}
    for cls in BY_KIND.values():
        _collect(cls, seen)
    yield from _described_structures(seen)


def _structures_of(cls: type) -> Iterator[str]:
    """Those of one document."""
    seen: dict[str, type] = {}
    _collect(cls, seen)
    yield from _described_structures(seen)


def _reasons() -> str:
    return f"Reasons: {', '.join(f'`{reason.value}`' for reason in Reason)}."


def _described_structures(seen: dict[str, type]) -> Iterator[str]:
    for name, cls in sorted(seen.items()):
        yield f"### {name}"
        if issubclass(cls, Enum):
            yield f"One of {', '.join(f'`{member.value}`' for member in cls)}."
        else:
            yield _fields(cls)


def _collect(hint: Any, seen: dict[str, type]) -> None:
    """Every dataclass and enumeration that a type leads to, messages themselves left out."""
    for inner in typing.get_args(hint):
        _collect(inner, seen)
    if not isinstance(hint, type) or hint.__name__ in seen:
        return
    is_structure = dataclasses.is_dataclass(hint) or issubclass(hint, Enum)
    if is_structure and not issubclass(hint, Message):
        seen[hint.__name__] = hint
    if dataclasses.is_dataclass(hint):
        for each in typing.get_type_hints(hint, include_extras=True).values():
            _collect(each, seen)


def _fields(cls: type) -> str:
    about = dict(_described(ast.parse(inspect.getsource(cls)).body[0].body))  # type: ignore[attr-defined]
    hints = typing.get_type_hints(cls, include_extras=True)
    text = inspect.cleandoc(cls.__doc__ or "")
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # only dataclasses come here
    if not fields:
        return text
    rows = [
        f"| `{f.name}` | {_type(hints[f.name])}{_default(f)} | {about.get(f.name, '')} |"
        for f in fields
    ]
    return "\n".join([text, "", "| field | type | |", "|---|---|---|", *rows])


def _type(hint: Any) -> str:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return "list of {} lists of {} floats".format(*args[1])
    if origin in (Union, types.UnionType):
        return " or ".join("nothing" if arg is type(None) else _type(arg) for arg in args)
    if origin is tuple:
        inner = ", ".join(_type(arg) for arg in args if arg is not Ellipsis)
        return f"list of {inner}" if Ellipsis in args else f"({inner})"
    if origin is dict:
        return f"map of {_type(args[1])}"
    return str(hint.__name__)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f" = `{field.default!r}`"
    return " = `{}`" if field.default_factory is not dataclasses.MISSING else ""


def _states() -> str:
    rows = []
    for (state, event), (after, effects) in TABLE.items():
        who = "asked" if isinstance(event, JobAction) else "happened"
        done = ", ".join(effect.value.replace("_", " ") for effect in effects)
        rows.append(f"| {state} | {who}: {event} | {after} | {done} |")
    final = ", ".join(state for state in JobState if state.is_final)
    table = "\n".join(["| state | event | next state | effect |", "|---|---|---|---|", *rows])
    return f"Final: {final}. What was asked before is no error.\n\n{table}"


if __name__ == "__main__":
    main()
