# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that would lead out of a folder on one system or another, or that no file can have."""

from __future__ import annotations

from itertools import product

LEADS = ("..", "../..", "a/../../..", "..\\..", "a\\..\\..\\..", "./..//..", "....//..", "%2e%2e")
ROOTS = ("/", "//", "\\", "\\\\", "C:\\", "C:", "c:/", "//server/share/", "\\\\server\\share\\")
MORE_ROOTS = ("\\\\?\\C:\\", "\\\\.\\", "/proc/self/", "/dev/", "file:///", "~root/")
GOALS = ("passwd", "windows/win.ini", "etc\\hosts", "a.png")
DEVICES = ("CON", "NUL", "PRN", "AUX", "COM1", "LPT9", "CONIN$", "nul.png", "con.tar.gz")
ODD = (
    *("", ".", "..", "...", " ", "a ", "a.", "a:b", "a.png:stream", "a.png::$DATA", "*", "?", "|"),
    *("a\0b", "\0", "a\nb", "a\rb", "a\x1b[2Jb", "a\u202egnp.exe", "\u2066a", "\ufeffa", "\x7f"),
    *(
        "e\u0301.png",
        "\u00e9.png",
        "\u212a",
        "\uff0e\uff0e/a",
        "\u2215etc",
        "a" * 300,
        "\u00e4" * 200,
    ),
    *("-rf", "--help", "$(id)", "`id`", "a;b", "a&b", "%s%s%n", "{0}", "<script>", "' OR 1=1"),
)
NAMES = tuple(
    dict.fromkeys(
        (
            *(f"{lead}{sep}{goal}" for lead, sep, goal in product(LEADS, ("/", "\\"), GOALS)),
            *(root + goal for root, goal in product((*ROOTS, *MORE_ROOTS), GOALS)),
            *DEVICES,
            *(f"{device}{tail}" for device in DEVICES[:6] for tail in (".txt", ":", " ", "/a")),
            *ODD,
            *(f"a/{name}" for name in ODD[:20]),
            *(f"{name}.png" for name in LEADS),
        )
    )
)
