# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs without cameras: what is chosen, the button, and what has come of it."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Panel, UILayout

from .. import alignment, properties, solve, status
from .layout import Tab, bar, figures, press, split, wrapped

COUNTS = {
    "photographs": "Photographs read",
    "features": "Features",
    "verified_pairs": "Pairs that fit",
    "matches": "Matches",
    "registered": "Placed",
    "points": "Points",
    "reprojection_error": "Reprojection error, px",
}


class AlignPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_align"
    bl_label = "Align Photographs"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}  # who has cameras needs none of it

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        settings = properties.of(context)
        row = layout.row(align=True)
        row.prop(settings, "photographs")
        row.operator("lightkiln.take_photographs", text="", icon="FILE_IMAGE")
        if settings.photograph_names:
            count = settings.photograph_names.count(alignment.SEPARATOR) + 1
            layout.label(text=f"{count} of its files", icon="CHECKMARK")
        layout.prop(settings, "align_preset")
        layout.prop(settings, "in_order")
        press(layout).operator("lightkiln.align", icon="OUTLINER_OB_CAMERA")
        _running(self.layout)


class ImportPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_import"
    bl_parent_id = "LIGHTKILN_PT_align"
    bl_label = "From Other Programs"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = self.layout.column()
        column.operator("lightkiln.import_solve", icon="IMPORT")
        column.operator("lightkiln.import_tracked", icon="TRACKER")
        if status.current.converting:
            column.label(text=f"{status.current.converting}…", icon="SORTTIME")


class SolvePanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_solve"
    bl_parent_id = "LIGHTKILN_PT_align"
    bl_label = "Solved Scene"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(solve.roots(context.scene))

    def draw(self, context: Context) -> None:
        layout = self.layout
        root = solve.current(context)
        if root is None:
            wrapped(layout, context, "Select one of the solved scenes.", icon="INFO")
            return
        layout.label(text=root.name, icon="EMPTY_ARROWS")
        wrapped(layout, context, str(root.get(solve.ABOUT, "")))
        layout.operator("lightkiln.select_solved", icon="RESTRICT_SELECT_OFF")
        layout.operator_menu_enum("lightkiln.export_solve", "kind", icon="EXPORT")
        row = layout.row(align=True)
        row.operator("lightkiln.set_floor", icon="AXIS_TOP")
        row.operator("lightkiln.set_up", icon="EMPTY_SINGLE_ARROW")
        row = layout.row(align=True)
        row.operator("lightkiln.set_scale", text="Scale", icon="DRIVER_DISTANCE")
        row.operator("lightkiln.set_origin", icon="PIVOT_CURSOR")


class UnplacedPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_unplaced"
    bl_parent_id = "LIGHTKILN_PT_solve"
    bl_label = "Not Placed"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        root = solve.current(context)
        return root is not None and bool(solve.unplaced(root))

    def draw(self, context: Context) -> None:
        root = solve.current(context)
        for name, text in [] if root is None else solve.unplaced(root):
            wrapped(self.layout, context, f"{name}: {text}", icon="IMAGE_DATA")


def _running(layout: UILayout) -> None:
    """How far it is, in the words of an alignment; the job's panel has the buttons."""
    job = status.current.job
    if job is None or job.method != alignment.METHOD or job.is_over or job.progress is None:
        return
    bar(layout, job.progress.fraction, job.progress.phase.capitalize())
    metrics = job.progress.metrics
    known = ((title, metrics[name]) for name, title in COUNTS.items() if name in metrics)
    figures(layout, known)
    layout.operator("lightkiln.cancel", icon="X")


CLASSES = (AlignPanel, SolvePanel, UnplacedPanel, ImportPanel)
