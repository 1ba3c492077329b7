# SPDX-License-Identifier: GPL-3.0-or-later
"""A fuzzer that looks for bytes which take new branches: `python -m campaigns.branches`.

It reads what one message or one document may be (`codec`), and what reaches either end of the wire
in each of its states (`server`, `client`), each for so many minutes. What it has found stays in the
cache of this machine and is where the next campaign begins. It needs Atheris (`pip install
atheris`), which is not among what the tests need: its wheel takes 34 MB.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaigns.results import asked_for, expect, keep

CORPUS = Path.home() / ".cache" / "lightkiln" / "corpus"
TARGETS = ("codec", "server", "client")
LONGEST = 4096
"""Bytes of an input."""
SLOW_SECONDS = 1
"""An input that takes longer ends the campaign; libFuzzer counts whole seconds."""
MEMORY_MB = 1024
Target = tuple[Callable[[bytes], None], list[bytes]]
"""What is tried, and honest bytes to begin with."""
DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")


def main() -> None:
    deadline = asked_for(__doc__.splitlines()[0])
    expect(
        importlib.util.find_spec("atheris") is not None, "Atheris is missing: pip install atheris"
    )
    figures = {name: _looked(name, deadline.minutes) for name in TARGETS}
    keep("P2", minutes=deadline.minutes, **figures)


def _looked(name: str, minutes: float) -> dict[str, int]:
    """Look for so long in a process of its own, which libFuzzer ends: inputs and branches."""
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={round(60.0 * minutes)}", f"-max_len={LONGEST}"]
    limits += [f"-timeout={SLOW_SECONDS}", f"-rss_limit_mb={MEMORY_MB}"]
    places = [f"-artifact_prefix={CORPUS}/{name}-", str(corpus)]
    words = [sys.executable, "-m", "campaigns.branches", name, *limits, *places]
    run = subprocess.run(words, capture_output=True, text=True)
    done = DONE.search(run.stderr)
    expect(run.returncode == 0 and done is not None, f"{name}: {run.stderr[-4000:]}")
    assert done is not None
    sys.stdout.write(f"{name}: {done.group(0)}\n")
    return {"inputs": int(done.group(1)), "branches": int(done.group(2))}


# ------------------------------------------------------------------ the process that looks


def look(name: str, words: list[str]) -> None:
    """Hand a target to libFuzzer; does not return."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["lightkiln_shared"]):
        wire = importlib.import_module("shared.test_session")
    target, honest = _codec(wire) if name == "codec" else _end_of_the_wire(wire, name)
    for number, each in enumerate(honest):
        (Path(words[-1]) / f"honest-{number}").write_bytes(each)
    atheris.Setup([sys.argv[0], *words], target)
    atheris.Fuzz()


def _codec(wire: Any) -> Target:
    """What begins with a brace is read as a document, anything else as a message."""
    codec, errors = (importlib.import_module(f"lightkiln_shared.{m}") for m in ("codec", "errors"))
    scene = importlib.import_module("lightkiln_shared.scene").Scene

    def read(data: bytes) -> None:
        with contextlib.suppress(errors.MalformedMessage):
            codec.from_json(scene, data) if data[:1] == b"{" else codec.unpack(data)

    said = [frame for side in wire.Side for frame in wire.conversation(side, random.Random(0))]
    return read, [b'{"views": []}', *(frame[wire.HEADER.size :] for frame in said)]


def _end_of_the_wire(wire: Any, name: str) -> Target:
    """The first byte chooses the state that the others meet."""
    states = tuple(wire.states(wire.Side(name)).values())

    def meet(data: bytes) -> None:
        if data:
            wire.fed(wire.copied(states[data[0] % len(states)]), data[1:])

    said = wire.conversation(wire.Side(name), random.Random(0))
    return meet, [bytes([state]) + frame for state in range(len(states)) for frame in said]


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in TARGETS:
        look(sys.argv[1], sys.argv[2:])
    else:
        main()
