# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's saved states: two generations, each verified before it is believed.

`<number>.npz` holds the method's arrays and nothing that could be executed; `<number>.json`, which
is written after it, holds its SHA-256. Each file is complete before it gets its name, so a crash at
any moment leaves the last whole generation; one that was torn or changed later is passed over.
It must not know what the arrays mean.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import MalformedMessage

from lightkiln.methods.spec import CheckpointState

from . import atomic

KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is said of a saved state."""

    sha256: str
    elapsed: float
    """Seconds of work when it was saved."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that was found whole."""

    arrays: CheckpointState
    elapsed: float
    torn: int
    """Newer generations that could not be used."""


def save(folder: Path, state: CheckpointState, elapsed: float) -> None:
    """Keep a state as the newest generation; `OSError` leaves the older ones."""
    generations = _generations(folder)
    number = max(generations, default=0) + 1
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **state)
    data = buffer.getvalue()
    manifest = Manifest(sha256=hashlib.sha256(data).hexdigest(), elapsed=elapsed)
    atomic.write(folder / f"{number:08}.npz", data, durable=True)
    atomic.write(folder / f"{number:08}.json", to_json(manifest), durable=True)
    for old in generations[KEPT - 1 :]:
        for suffix in ("json", "npz"):
            (folder / f"{old:08}.{suffix}").unlink(missing_ok=True)


def load(folder: Path) -> Checkpoint | None:
    """The newest whole state, if there is one."""
    return next(_whole(folder), None)


def _whole(folder: Path) -> Iterator[Checkpoint]:
    for torn, number in enumerate(_generations(folder)):
        path = folder / f"{number:08}.npz"
        try:
            manifest = from_json(Manifest, path.with_suffix(".json").read_bytes())
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == manifest.sha256:
                yield Checkpoint(_arrays(data), manifest.elapsed, torn)
        except (OSError, MalformedMessage, ValueError, zipfile.BadZipFile):
            continue


def _arrays(data: bytes) -> CheckpointState:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _generations(folder: Path) -> list[int]:
    names = (path.stem for path in folder.glob("*.json"))
    return sorted((int(name) for name in names if name.isdigit()), reverse=True)
