# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backends there are, and how one becomes known. It must not know jobs."""

from __future__ import annotations

from bpy.types import Context, Panel, PropertyGroup, UILayout, UIList

from .. import backends, places, status
from ..mailbox import Link
from .layout import Tab, wrapped

ROWS = 3


class LIGHTKILN_UL_backends(UIList):
    bl_idname = "LIGHTKILN_UL_backends"

    def draw_item(
        self,
        context: Context,
        layout: UILayout,
        data: object,
        item: PropertyGroup,
        icon: int,
        active_data: object,
        active_property: str,
    ) -> None:
        line = backends.line(item.name)
        if line is None:
            return
        row = layout.row(align=True)
        if line.place is None:
            is_other = line.announced is None
            row.label(text=line.label, icon="ADD" if is_other else "URL")
            if not is_other:
                right = row.row()
                right.alignment = "RIGHT"
                right.active = False
                right.label(text="pair…")
            return
        row.label(text=line.label, icon="DESKTOP" if line.place == places.HERE else "NETWORK_DRIVE")
        is_used = line.place == places.chosen() and status.current.link is Link.ONLINE
        plug = "LINKED" if is_used else "UNLINKED"
        row.operator("lightkiln.use_backend", text="", icon=plug, emboss=False).key = line.key


class BackendsPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_backends"
    bl_parent_id = "LIGHTKILN_PT_main"
    bl_label = "Backends"
    bl_options = frozenset({"DEFAULT_CLOSED"})

    def draw(self, context: Context) -> None:
        layout, manager = self.layout, context.window_manager
        row = layout.row()
        row.template_list(
            "LIGHTKILN_UL_backends",
            "",
            manager,
            "lightkiln_backends",
            manager,
            "lightkiln_backend_index",
            rows=ROWS,
        )
        column = row.column(align=True)
        searching = backends.is_searching()
        column.operator("lightkiln.search_backends", text="", icon="VIEWZOOM", depress=searching)
        column.operator("lightkiln.forget_backend", text="", icon="TRASH")
        if searching:
            wrapped(layout, context, "Searching the network…", icon="SORTTIME")
        wrapped(layout, context, backends.search_problem(), icon="ERROR")
        line = backends.selected()
        if line is not None:
            _about(layout, context, line)


def _about(layout: UILayout, context: Context, line: backends.Line) -> None:
    if line.place == places.HERE:
        if places.chosen() != places.HERE:
            layout.operator("lightkiln.use_backend", text="Use This Computer").key = line.key
        return
    if refused := places.refusal_of(line.place, line.announced):
        wrapped(layout, context, refused, icon="INTERNET_OFFLINE")
        layout.operator("screen.userpref_show", text="Open Preferences").section = "SYSTEM"
        if line.key != backends.OTHER:
            return
    if line.place is None:
        _pairing(layout, context, line)
        return
    address = str(places.backend_at(line.place).address)
    is_used = line.place == places.chosen()
    layout.label(text=address, icon="URL")
    if is_used and status.current.link is Link.FAILED:
        _pairing(layout, context, line)
    elif not is_used or status.current.link is Link.OFF:
        layout.operator("lightkiln.use_backend", text="Connect", icon="LINKED").key = line.key


def _pairing(layout: UILayout, context: Context, line: backends.Line) -> None:
    manager = context.window_manager
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    if line.key == backends.OTHER:
        column.prop(manager, "lightkiln_address", placeholder="attic or 192.168.1.20")
    elif line.announced is not None:
        column.label(text=str(line.announced.addresses[0]))
        if not line.announced.speaks:
            wrapped(layout, context, "It speaks another version of the protocol.", icon="ERROR")
    column.prop(manager, "lightkiln_code", placeholder="7K3M-9QXT")
    layout.operator("lightkiln.pair", icon="LINKED")
    icon = "SORTTIME" if status.current.is_pairing else "ERROR"
    wrapped(layout, context, status.current.pairing, icon=icon)
    if not status.current.pairing:
        wrapped(layout, context, "`lightkiln pair`, typed at the backend, shows a code.")


CLASSES = (
    LIGHTKILN_UL_backends,
    BackendsPanel,
)
