# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's Lightkiln tab. Draws what `status` and the scene's properties say; nothing else."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from bpy.types import Context, Menu, Panel, UILayout

from . import method_params, properties, scene_export, status
from .mailbox import Link
from .shared.jobs import JobState, Progress

CHARACTER_WIDTH = 7.0
"""Pixels at a UI scale of 1: Blender's layouts do not wrap text by themselves."""
LINKS = {
    Link.OFF: ("Not connected", "UNLINKED"),
    Link.CONNECTING: ("Connecting…", "SORTTIME"),
    Link.ONLINE: ("Connected", "LINKED"),
    Link.RECONNECTING: ("Reconnecting…", "SORTTIME"),
    Link.FAILED: ("No backend", "ERROR"),
}
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


class _Tab:
    """Base of all panels of the tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Lightkiln"


class MainPanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_main"
    bl_label = "Lightkiln"

    def draw(self, context: Context) -> None:
        layout = self.layout
        text, icon = LINKS[status.current.link]
        row = layout.row(align=True)
        row.label(text=text, icon=icon)
        if status.current.link in (Link.OFF, Link.FAILED):
            row.operator("lightkiln.connect")
        else:
            row.operator("lightkiln.disconnect", text="", icon="X")
        _wrapped(layout, context, status.current.link_error, icon="ERROR")
        _devices(layout)


class ScenePanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_scene"
    bl_label = "Scene"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = properties.of(context)
        cameras = scene_export.cameras(context)
        count = f"{len(cameras)} camera{'' if len(cameras) == 1 else 's'}"
        layout.label(text=f"{count} selected", icon="CAMERA_DATA")
        layout.prop(settings, "image_folder")
        layout.operator("lightkiln.render_views", icon="RENDER_STILL")
        layout.prop(settings, "region")
        row = layout.row(align=True)
        row.operator("lightkiln.add_region", text="Box", icon="CUBE").shape = "BOX"
        row.operator("lightkiln.add_region", text="Sphere", icon="SPHERE").shape = "SPHERE"
        _wrapped(layout, context, scene_export.problem(context), icon="INFO")


class MethodPanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_method"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = properties.of(context)
        info = status.current.methods.get(settings.method)
        split = layout.split(factor=0.4)
        split.alignment = "RIGHT"
        split.label(text="Method")
        split.menu("LIGHTKILN_MT_method", text=info.title if info else settings.method)
        layout.prop(settings, "preset")
        layout.prop(settings, "time_limit")
        row = layout.row()
        row.scale_y = 1.5
        row.operator("lightkiln.reconstruct", icon="MOD_REMESH")


class _Params(_Tab):
    """Base of the two panels of a method's parameters."""

    advanced: ClassVar[bool]
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        specs = method_params.specs_of(properties.of(context).method)
        return any(spec.advanced == cls.advanced for spec in specs)

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        method = properties.of(context).method
        group = method_params.group_of(context.scene, method)
        for spec in method_params.specs_of(method):
            if spec.advanced == self.advanced:
                layout.prop(group, spec.name)
        layout.operator("lightkiln.reset_params")


class ParamsPanel(_Params, Panel):
    bl_idname = "LIGHTKILN_PT_params"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Parameters"
    advanced = False


class AdvancedParamsPanel(_Params, Panel):
    bl_idname = "LIGHTKILN_PT_advanced_params"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Advanced Parameters"
    advanced = True


class JobPanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_job"
    bl_label = "Job"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return status.current.job is not None or bool(status.current.problem)

    def draw(self, context: Context) -> None:
        layout = self.layout
        job = status.current.job
        _wrapped(layout, context, status.current.problem, icon="ERROR")
        if job is None:
            return
        _job_state(layout, context, job)
        if job.progress is not None and not job.is_over:
            _progress(layout, job.progress)
        _job_buttons(layout, job)
        for warning in job.warnings:
            _wrapped(layout, context, warning, icon="ERROR")


class PreviewPanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_preview"
    bl_parent_id = "LIGHTKILN_PT_job"
    bl_label = "Preview"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and not job.is_over

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = properties.of(context)
        layout.prop(settings, "show_image")
        column = layout.column()
        column.active = settings.show_image
        column.prop(settings, "image_opacity")
        layout.prop(settings, "show_mesh")
        if settings.show_image and not context.space_data.region_3d.is_perspective:
            _wrapped(layout, context, "The image needs a perspective view (Numpad 5).", icon="INFO")


class ResultPanel(_Tab, Panel):
    bl_idname = "LIGHTKILN_PT_result"
    bl_label = "Result"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.state is JobState.SUCCEEDED

    def draw(self, context: Context) -> None:
        layout = self.layout
        job = status.current.job
        if job.fetching:
            layout.label(text="Fetching the mesh…", icon="SORTTIME")
        elif job.mesh is not None:
            _wrapped(layout, context, "Leave the edit mode to import the mesh.", icon="INFO")
        elif job.imported:
            layout.label(text=f"Imported as {job.imported_as}", icon="CHECKMARK")
        row = layout.row(align=True)
        row.operator("lightkiln.fetch_result")
        row.operator("lightkiln.remove", text="", icon="TRASH")


class MethodMenu(Menu):
    bl_idname = "LIGHTKILN_MT_method"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        layout = self.layout
        if not status.current.methods:
            layout.label(text="Connect to see the backend's methods")
        for info in status.current.methods.values():
            row = layout.row()
            row.enabled = not info.unavailable
            reason = f" ({info.unavailable[:60]})" if info.unavailable else ""
            choice = row.operator(
                "lightkiln.choose_method", text=(info.title or info.name) + reason
            )
            choice.name = info.name


CLASSES = (
    MethodMenu,
    MainPanel,
    ScenePanel,
    MethodPanel,
    ParamsPanel,
    AdvancedParamsPanel,
    JobPanel,
    PreviewPanel,
    ResultPanel,
)


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _devices(layout: UILayout) -> None:
    welcome = status.current.welcome
    if welcome is None or status.current.link is not Link.ONLINE:
        return
    for device in welcome.devices:
        memory = f"{device.memory_mb / 1024:.0f} GB"
        layout.label(text=f"{device.name}, {memory}", icon="MEMORY")


def _job_state(layout: UILayout, context: Context, job: status.Job) -> None:
    if job.is_sending:
        _bar(layout, job.fraction, job.stage)
        return
    failed = job.state is JobState.FAILED
    layout.label(text=STATES[job.state], icon="ERROR" if failed else "NONE")
    _wrapped(layout, context, job.reason)


def _progress(layout: UILayout, progress: Progress) -> None:
    left = f"{duration(progress.seconds_left)} left" if progress.seconds_left >= 0 else ""
    _bar(layout, progress.fraction, left or f"{progress.fraction:.0%}")
    steps = f", step {progress.step} of {progress.num_steps}" if progress.num_steps else ""
    column = layout.column(align=True)
    column.label(text=f"{progress.phase.capitalize()}{steps}")
    column.label(text=f"{duration(progress.elapsed)} so far")
    for name, value in progress.metrics.items():
        row = column.row()
        row.label(text=_METRICS.get(name, name.replace("_", " ").capitalize()))
        row.label(text=f"{value:.4g}")


_METRICS = {"psnr": "PSNR (dB)", "loss": "Loss"}


def _bar(layout: UILayout, fraction: float, text: str) -> None:
    layout.progress(factor=min(max(fraction, 0.0), 1.0), text=text)


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


def _wrapped(layout: UILayout, context: Context, text: str, icon: str = "NONE") -> None:
    """A sentence over as many lines as the sidebar's width asks for."""
    if not text:
        return
    scale = context.preferences.system.ui_scale
    width = max(int(context.region.width / (CHARACTER_WIDTH * scale)) - 6, 16)
    column = layout.column(align=True)
    for index, line in enumerate(textwrap.wrap(text, width)):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")
