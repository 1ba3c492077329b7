# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels are made of: the tab, sentences over several lines, bars, durations.

It must not know what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import blf
from bpy.types import Context, UILayout

from ..shared.messages import MethodInfo

TABS, PADDING, ICON = 26.0, 24.0, 20.0
"""Widths in pixels at a UI scale of 1: the strip of tabs, what frames a line, an icon."""
LINE = 0.75
"""Height of a paragraph's lines, as a share of a button's."""
REASON = 60
"""Characters of why a method cannot be used."""
UI_FONT = 0


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


def figures(layout: UILayout, rows: Iterable[tuple[str, float]]) -> None:
    """A table of names and numbers."""
    column = layout.column(align=True)
    column.scale_y = LINE
    for name, value in rows:
        halves = column.split(factor=0.64)
        halves.label(text=name)
        halves.label(text=figure(value))


def figure(value: float) -> str:
    """A number for people: `95,965`, `0.2961`, `31.2`."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1e4 else f"{value:.4g}"


def split(layout: UILayout) -> None:
    """Names at the left, values at the right, as everywhere in Blender; nothing is animated."""
    layout.use_property_split = True
    layout.use_property_decorate = False


def methods(layout: UILayout, offered: Mapping[str, MethodInfo], operator: str) -> None:
    """A menu's lines: those that cannot be used say why."""
    for info in offered.values():
        row = layout.row()
        row.enabled = not info.unavailable
        reason = f" ({info.unavailable[:REASON]})" if info.unavailable else ""
        row.operator(operator, text=(info.title or info.name) + reason).name = info.name


def press(layout: UILayout) -> UILayout:
    """Where a panel's main button goes: it is taller than the others."""
    row = layout.row()
    row.scale_y = 1.5
    return row


def wrapped(layout: UILayout, context: Context, text: str, icon: str = "NONE") -> None:
    """A sentence over as many lines as the sidebar's width asks for.

    Blender's layouts do not wrap text by themselves.
    """
    if not text:
        return
    scale = context.preferences.system.ui_scale
    blf.size(UI_FONT, context.preferences.ui_styles[0].widget.points * scale)
    room = context.region.width - (TABS + PADDING + (ICON if icon != "NONE" else 0.0)) * scale
    lines = broken(text, room, lambda words: blf.dimensions(UI_FONT, words)[0])
    column = layout.column(align=True)
    column.scale_y = LINE if len(lines) > 1 else 1.0
    for index, line in enumerate(lines):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")


def broken(text: str, room: float, width_of: Callable[[str], float]) -> list[str]:
    """Lines of a text, each no wider than `room` unless a single word is."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
