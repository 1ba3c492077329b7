# SPDX-License-Identifier: GPL-3.0-or-later
"""The top of the tab: the backend, and what it computes on. It must not know jobs."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from .. import status
from ..mailbox import Link
from .layout import Tab, wrapped

LINKS = {
    Link.OFF: ("Not connected", "UNLINKED"),
    Link.CONNECTING: ("Connecting…", "SORTTIME"),
    Link.ONLINE: ("Connected", "LINKED"),
    Link.RECONNECTING: ("Reconnecting…", "SORTTIME"),
    Link.FAILED: ("No backend", "ERROR"),
}


class MainPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_main"
    bl_label = "Lightkiln"

    def draw(self, context: Context) -> None:
        layout = self.layout
        text, icon = LINKS[status.current.link]
        is_off = status.current.link in (Link.OFF, Link.FAILED)
        row = layout.row(align=True)
        row.label(text=text, icon=icon)
        row.operator("lightkiln.copy_diagnostics", text="", icon="COPYDOWN")
        if not is_off:
            row.operator("lightkiln.disconnect", text="", icon="X")
        wrapped(layout, context, status.current.link_error, icon="ERROR")
        if is_off:
            layout.operator("lightkiln.connect", icon="LINKED")
        _devices(layout)


def _devices(layout: UILayout) -> None:
    welcome = status.current.welcome
    if welcome is None or status.current.link is not Link.ONLINE:
        return
    for device in welcome.devices:
        memory = f"{device.memory_mb / 1024:.0f} GB"
        layout.label(text=f"{device.name}, {memory}", icon="MEMORY")


CLASSES = (MainPanel,)
