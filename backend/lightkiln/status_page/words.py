# SPDX-License-Identifier: GPL-3.0-or-later
"""How times, sizes and other people's words are shown. Escaping is the templates' own affair."""

from __future__ import annotations

import math
import time
import unicodedata

FILTERS = ("about", "duration", "figure", "machine_time", "moment", "percent", "plain", "size")
"""What templates call."""
MINUTE, HOUR, DAY = 60, 3600, 86400
REPLACED = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "\N{REPLACEMENT CHARACTER}"}
"""By Unicode's category: what would break a line, turn a text around or hide in it."""


def plain(text: str) -> str:
    """A name from outside as one line that runs one way; `?` where nothing is left of it."""
    shown = "".join(REPLACED.get(unicodedata.category(each), each) for each in text)
    return " ".join(shown.split()) or "?"


def log_line(text: str) -> str:
    """A line of a log without what moves the cursor or turns the text around."""
    keep = text.replace("\t", "    ")
    return "".join(REPLACED.get(unicodedata.category(each), each) for each in keep)


def duration(seconds: float) -> str:
    """`12 s`, `3 min 05 s`, `2 h 07 min`, `5 d 3 h`."""
    whole = round(max(seconds, 0.0))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def about(seconds: float) -> str:
    """The same for what is only guessed: `in a moment`, `about 3 min`, `about 2 h 10 min`."""
    if seconds < MINUTE:
        return "in a moment" if seconds < MINUTE / 4 else "in a minute"
    minutes = round(seconds / MINUTE)
    if minutes < 10:
        return f"in about {minutes} min"
    tens = round(minutes / 10) * 10
    if tens < 60:
        return f"in about {tens} min"
    return f"in about {tens // 60} h" + (f" {tens % 60} min" if tens % 60 else "")


def moment(unix: float) -> str:
    """A time of the box's own clock, with the day unless it is today."""
    at, today = time.localtime(unix), time.localtime()
    same = (at.tm_year, at.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M:%S" if same else "%d %b %Y, %H:%M", at)


def machine_time(unix: float) -> str:
    """The same for programs, as HTML wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix))


def size(num_bytes: float) -> str:
    """`840 MB`, `12.4 GB`."""
    for unit in ("B", "kB", "MB"):
        if num_bytes < 999.5:
            return f"{num_bytes:.0f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} GB" if num_bytes < 999.5 else f"{num_bytes / 1000:.2f} TB"


def figure(value: float) -> str:
    """A figure in four digits: `0.01234`, `28.41`, `12,345`."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:.0f}"
    if abs(value) >= 10_000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    return f"{value:.4g}"


def percent(fraction: float) -> int:
    """Whole per cent, 100 only when all is done."""
    return min(int(fraction * 100), 100)
