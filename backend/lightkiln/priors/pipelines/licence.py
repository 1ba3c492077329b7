# SPDX-License-Identifier: GPL-3.0-or-later
"""What the weights may be used for, as far as they say so themselves.

It must not judge.
"""

from __future__ import annotations

import re
from pathlib import Path

UNKNOWN = "not stated"
NAMES = {
    "creativeml-openrail-m": "CreativeML OpenRAIL-M",
    "openrail++": "CreativeML OpenRAIL++-M",
    "openrail": "OpenRAIL",
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "deepfloyd-if-license": "DeepFloyd IF, for research only",
}
"""By the tags that model cards use."""
STATED = re.compile(r"^license(_name)?:\s*['\"]?([^'\"\n]+?)['\"]?\s*$", re.MULTILINE)


def licence_of(folder: Path) -> str:
    """Of the head of the model card, else the first line of a licence, else `UNKNOWN`."""
    tags: list[str] = [found[1] for found in STATED.findall(_head(folder.joinpath("README.md")))]
    named = [tag for tag in tags if tag != "other"]
    if named:
        return NAMES.get(named[-1].lower(), named[-1])
    for path in sorted(folder.glob("LICENSE*")):
        lines = [line.strip(" #*") for line in _text(path).splitlines()]
        if first := next(filter(None, lines), ""):
            return first[:80]
    return UNKNOWN


def _head(card: Path) -> str:
    """What stands between the first two lines of dashes."""
    parts = _text(card).split("---", 2)
    return parts[1] if len(parts) == 3 and not parts[0].strip() else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
