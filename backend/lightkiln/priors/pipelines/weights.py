# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the weights of a network there, whole, and of a kind that can be opened safely?

Only safetensors are opened: eight bytes that say how long a header is, the header in JSON, which
says where each tensor ends, and the tensors. A pickle may run anything, and is never opened.
It must not know networks.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from lightkiln_shared.errors import InvalidPrompt

HALF = "fp16"
"""The one variant that is taken where plain weights are missing."""
SAFE = ".safetensors"
PICKLED = (".bin", ".ckpt", ".pt", ".pth")
LONGEST_HEADER = 100_000_000
"""Bytes; what safetensors itself accepts."""
CONVERT = (
    "Pickled weights can run anything and are not opened. If you trust them, load the pipeline "
    "with diffusers elsewhere and save it with save_pretrained(FOLDER), which writes safetensors."
)
AGAIN = "Download it again: `hf download MODEL --local-dir FOLDER` goes on where it stopped."


def variant_of(folder: Path) -> str | None:
    """`HALF`, or None for plain weights; raises `InvalidPrompt` unless all are there and whole."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    safe = {name for name in names if name.endswith(SAFE)}
    plain = {name for name in safe if f".{HALF}" not in name and "non_ema" not in name}
    variant = None if plain or not safe else HALF
    _see_that_parts_are_there(folder, names, variant)
    if not safe and any(name.endswith(PICKLED) for name in names):
        raise InvalidPrompt(f"{folder} holds pickled weights only.", hint=CONVERT)
    if not safe:
        raise InvalidPrompt(f"{folder} holds no weights.", hint=AGAIN)
    for name in sorted(plain or safe):
        _see_that_it_is_whole(folder, name)
    return variant


def _see_that_parts_are_there(folder: Path, names: set[str], variant: str | None) -> None:
    """Large weights lie in several files, and an index names them."""
    indices = {name for name in names if f"{SAFE}.index" in name}
    for index in (name for name in indices if (HALF in name) == (variant == HALF)):
        wanted = set(json_of(folder.joinpath(index)).get("weight_map", {}).values())
        if missing := sorted(wanted - names):
            raise InvalidPrompt(
                f"{folder} lacks {len(missing)} of its {len(wanted)} parts, such as {missing[0]}.",
                hint=AGAIN,
            )


def _see_that_it_is_whole(folder: Path, name: str) -> None:
    path = folder.joinpath(name)
    size, expected = path.stat().st_size, _length(path)
    if expected is None:
        raise InvalidPrompt(f"{path} is no safetensors file.", hint=AGAIN)
    if size != expected:
        raise InvalidPrompt(
            f"{path} is {size} bytes long where it should be {expected}: it came only in part.",
            hint=AGAIN,
        )


def _length(path: Path) -> int | None:
    """That its header asks for; None: it has no such header."""
    with path.open("rb") as file:
        first = file.read(8)
        if len(first) < 8 or (length := struct.unpack("<Q", first)[0]) > LONGEST_HEADER:
            return None
        try:
            header = json.loads(file.read(length))
            ends = [
                each["data_offsets"][1] for key, each in header.items() if key != "__metadata__"
            ]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
    return 8 + int(length) + max(ends, default=0)


def json_of(path: Path) -> dict[str, Any]:
    """A JSON object; raises `InvalidPrompt`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidPrompt(f"{path} cannot be read.", hint=AGAIN) from error
    if not isinstance(found, dict):
        raise InvalidPrompt(f"{path} is not what it should be.", hint=AGAIN)
    return found
