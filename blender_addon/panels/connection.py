# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the tab: the backend, and what it computes on. It must not know jobs."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from .. import places, status
from ..mailbox import Link
from .layout import Tab, wrapped

LINKS = {
    Link.OFF: ("Not connected", "UNLINKED"),
    Link.CONNECTING: ("Connecting…", "SORTTIME"),
    Link.ONLINE: ("Connected to {name}", "LINKED"),
    Link.RECONNECTING: ("Reconnecting…", "SORTTIME"),
    Link.FAILED: ("No backend", "ERROR"),
}


class MainPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_main"
    bl_label = "Lightkiln"

    def draw(self, context: Context) -> None:
        layout = self.layout
        text, icon = LINKS[status.current.link]
        name = places.name_of(places.chosen())
        is_off = status.current.link in (Link.OFF, Link.FAILED)
        row = layout.row(align=True)
        row.label(text=text.format(name=name), icon=icon)
        row.operator("lightkiln.copy_diagnostics", text="", icon="COPYDOWN")
        if not is_off:
            row.operator("lightkiln.disconnect", text="", icon="X")
        wrapped(layout, context, status.current.link_error, icon="ERROR")
        if is_off:
            where = "" if places.chosen() == places.HERE else f" to {name}"
            layout.operator("lightkiln.connect", text=f"Connect{where}", icon="LINKED")
        _devices(layout)


def _devices(layout: UILayout) -> None:
    welcome = status.current.welcome
    if welcome is None or status.current.link is not Link.ONLINE:
        return
    load = status.current.load
    if load is None:
        for device in welcome.devices:
            layout.label(text=f"{device.name}, {_gb(device.memory_mb)} GB", icon="MEMORY")
        return
    for each in load.devices:
        layout.label(text=each.device.name, icon="MEMORY")
        free = f"{_gb(each.free_mb)} of " if each.free_mb else ""
        layout.label(text=f"{free}{_gb(each.device.memory_mb)} GB free", icon="BLANK1")
    waits = f", {load.queued} waiting" if load.queued else ""
    jobs = f"{load.running} running{waits}" if load.running or load.queued else "No jobs"
    layout.label(text=jobs, icon="SORTTIME")


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1024:.0f}"


CLASSES = (MainPanel,)
