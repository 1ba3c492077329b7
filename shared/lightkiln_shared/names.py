# SPDX-License-Identifier: GPL-3.0-or-later
"""File names as people number them. It must not know files."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> list[tuple[int, str]]:
    """A key to sort by: `slice 10` comes after `slice 9`."""
    pieces = _DIGITS.split(name.lower())
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in pieces]
