# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels are made of: the tab, sentences over several lines, bars, durations.

It must not know what is shown.
"""

from __future__ import annotations

import textwrap

from bpy.types import Context, UILayout

CHARACTER_WIDTH = 7.0
"""Pixels at a UI scale of 1: Blender's layouts do not wrap text by themselves."""


class Tab:
    """Base of all panels of the tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Lightkiln"


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def bar(layout: UILayout, fraction: float, text: str) -> None:
    layout.progress(factor=min(max(fraction, 0.0), 1.0), text=text)


def wrapped(layout: UILayout, context: Context, text: str, icon: str = "NONE") -> None:
    """A sentence over as many lines as the sidebar's width asks for."""
    if not text:
        return
    scale = context.preferences.system.ui_scale
    width = max(int(context.region.width / (CHARACTER_WIDTH * scale)) - 6, 16)
    column = layout.column(align=True)
    for index, line in enumerate(textwrap.wrap(text, width)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")
