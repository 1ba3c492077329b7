# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that is sent, runs or has ended, and its previews."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from .. import alignment, curve_icons, properties, status
from ..shared.jobs import JobState, Progress
from .layout import LINE, Tab, bar, duration, figure, figures, split, wrapped

STATES = {
    JobState.QUEUED: "Waiting in the queue",
    JobState.RUNNING: "Running",
    JobState.PAUSING: "Saving its state to pause",
    JobState.PAUSED: "Paused",
    JobState.FINISHING: "Coming to its mesh",
    JobState.CANCELLING: "Cancelling",
    JobState.SUCCEEDED: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}


_METRICS = {"psnr": "PSNR (dB)", "loss": "Loss"}


class JobPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_job"
    bl_label = "Job"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return status.current.job is not None or bool(status.current.problem)

    def draw(self, context: Context) -> None:
        layout = self.layout
        job = status.current.job
        wrapped(layout, context, status.current.problem, icon="ERROR")
        if job is None:
            return
        _job_state(layout, context, job)
        if job.progress is not None and not job.is_over:
            # those of an alignment are told by its own panel
            _progress(layout, job.progress, shows_figures=job.method != alignment.METHOD)
        _job_buttons(layout, job)
        for warning in job.warnings:
            wrapped(layout, context, warning, icon="ERROR")


class CurvesPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_curves"
    bl_parent_id = "LIGHTKILN_PT_job"
    bl_label = "Curves"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and bool(job.curves.keys() & _METRICS.keys())

    def draw(self, context: Context) -> None:
        row = self.layout.row()
        for name in _METRICS:
            curve = status.current.job.curves.get(name)
            if curve is None:
                continue
            column = row.column()
            column.label(text=f"{_metric(name)} {figure(curve.values[-1])}")
            icon = curve_icons.icon_of(name, curve)
            if icon:
                column.template_icon(icon, scale=5.0)


class PreviewPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_preview"
    bl_parent_id = "LIGHTKILN_PT_job"
    bl_label = "Preview"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and not job.is_over

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        settings = properties.of(context)
        layout.prop(settings, "show_image")
        column = layout.column()
        column.active = settings.show_image
        column.prop(settings, "image_opacity")
        column.prop(settings, "beside_photograph")
        layout.prop(settings, "show_mesh")
        if settings.show_image and not context.space_data.region_3d.is_perspective:
            wrapped(layout, context, "The image needs a perspective view (Numpad 5).", icon="INFO")


def _job_state(layout: UILayout, context: Context, job: status.Job) -> None:
    if job.is_sending:
        bar(layout, job.fraction, job.stage)
        return
    failed = job.state is JobState.FAILED
    layout.label(text=STATES[job.state], icon="ERROR" if failed else "NONE")
    wrapped(layout, context, job.reason)


def _progress(layout: UILayout, progress: Progress, shows_figures: bool) -> None:
    left = f"{duration(progress.seconds_left)} left" if progress.seconds_left >= 0 else ""
    bar(layout, progress.fraction, left or f"{progress.fraction:.0%}")
    steps = f", step {progress.step} of {progress.num_steps}" if progress.num_steps else ""
    column = layout.column(align=True)
    column.scale_y = LINE
    column.label(text=f"{progress.phase.capitalize()}{steps}")
    column.label(text=f"{duration(progress.elapsed)} so far")
    if shows_figures:
        figures(layout, ((_metric(name), value) for name, value in progress.metrics.items()))


def _metric(name: str) -> str:
    return _METRICS.get(name, name.replace("_", " ").capitalize())


def _job_buttons(layout: UILayout, job: status.Job) -> None:
    if job.is_over:
        if job.state is not JobState.SUCCEEDED and job.job_id:
            row = layout.row(align=True)
            row.operator("lightkiln.retry", icon="FILE_REFRESH")
            row.operator("lightkiln.remove", text="", icon="TRASH")
        return
    row = layout.row(align=True)
    paused = job.state in (JobState.PAUSING, JobState.PAUSED)
    row.operator("lightkiln.resume" if paused else "lightkiln.pause")
    row.operator("lightkiln.finish")
    row.operator("lightkiln.cancel")


CLASSES = (
    JobPanel,
    CurvesPanel,
    PreviewPanel,
)
