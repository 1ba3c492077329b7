# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that is sent, runs or has ended, and its previews."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from .. import alignment, curve_icons, properties, status
from ..shared.jobs import JobState, JobSummary
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


ICONS = {
    JobState.QUEUED: "SORTTIME",
    JobState.PAUSED: "PAUSE",
    JobState.SUCCEEDED: "CHECKMARK",
    JobState.FAILED: "ERROR",
    JobState.CANCELLED: "X",
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
            _progress(layout, job)
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
        return job is not None and _has_curves(job)

    def draw(self, context: Context) -> None:
        row, curves = self.layout.row(), status.current.job.curves
        for name in _METRICS:
            curve = curves.get(name)
            if curve is None:
                continue
            column = row.column()
            column.label(text=f"{_metric(name)} {figure(curve.values[-1])}")
            icon = curve_icons.icon_of(name, curve)
            if icon:
                column.template_icon(icon, scale=5.0)
        others = ((_metric(name), curve.values[-1]) for name, curve in curves.items())
        figures(self.layout, (row for row in others if row[0] not in _METRICS.values()))


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
    layout.label(text=STATES[job.state], icon=ICONS.get(job.state, "PLAY"))
    if job.state is JobState.QUEUED:
        wrapped(layout, context, _turn(status.current.listed.get(job.job_id)))
    wrapped(layout, context, job.reason)


def _turn(listed: JobSummary | None) -> str:
    """When a waiting job will be worked on, as its backend expects."""
    if listed is None or not listed.position:
        return ""
    place = "Next" if listed.position == 1 else f"{listed.position - 1} before it"
    begins = f", begins in about {duration(listed.starts_in)}" if listed.starts_in > 0 else ""
    return f"{place}{begins}"


def _progress(layout: UILayout, job: status.Job) -> None:
    progress = job.progress
    waits = job.state is JobState.PAUSED or progress.seconds_left < 0
    left = f"{progress.fraction:.0%}" if waits else f"{duration(progress.seconds_left)} left"
    bar(layout, progress.fraction, left)
    steps = f", step {progress.step} of {progress.num_steps}" if progress.num_steps else ""
    column = layout.column(align=True)
    column.scale_y = LINE
    column.label(text=f"{progress.phase.capitalize()}{steps}")
    column.label(text=f"{duration(progress.elapsed)} so far")
    if job.method != alignment.METHOD and not _has_curves(job):  # told in those panels
        figures(layout, ((_metric(name), value) for name, value in progress.metrics.items()))


def _has_curves(job: status.Job) -> bool:
    return bool(job.curves.keys() & _METRICS.keys())


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
