# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check before a run has found, and what the run is expected to take."""

from __future__ import annotations

import statistics
from typing import ClassVar

from bpy.types import Context, Panel, UILayout

from .. import properties, status
from ..preflight import Report, expected_memory_mb
from ..shared.jobs import JobState
from .layout import Tab, duration, wrapped


class PreflightPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_preflight"
    bl_parent_id = "LIGHTKILN_PT_scene"
    bl_label = "Pre-Flight"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout = self.layout
        report = status.current.preflight
        layout.operator("lightkiln.preflight", icon="VIEWZOOM")
        if status.current.is_checking:
            layout.label(text="Reading photographs…", icon="SORTTIME")
        if report is None:
            return
        layout.label(text=f"{report.num_images} photographs, {report.megapixels:.0f} megapixels")
        for finding in report.findings:
            wrapped(layout, context, finding.text, icon="ERROR" if finding.is_serious else "INFO")
        if not report.findings:
            layout.label(text="Nothing was found wrong", icon="CHECKMARK")
        _expected(layout, context, report)
        wrapped(layout, context, "Blur and exposure are told when the run begins.")


def _expected(layout: UILayout, context: Context, report: Report) -> None:
    """Memory by the method's own word, time by the jobs like it that this backend has done."""
    settings = properties.of(context)
    info = status.current.methods.get(settings.method)
    if info is not None and info.memory_mb:
        needed = expected_memory_mb(report, info.memory_mb) / 1024.0
        has = max((d.memory_mb for d in status.current.welcome.devices), default=0) / 1024.0
        too_much = 0.0 < has < needed
        layout.label(
            text=f"Memory: about {needed:.1f} GB of {has:.0f} GB",
            icon="ERROR" if too_much else "NONE",
        )
    took = [
        job.progress.elapsed
        for job in status.current.listed.values()
        if (job.method, job.preset) == (settings.method, settings.preset)
        and job.state is JobState.SUCCEEDED
        and job.progress is not None
    ]
    if took:
        layout.label(text=f"Time: {duration(statistics.median(took))}, as jobs like it took here")


CLASSES = (PreflightPanel,)
