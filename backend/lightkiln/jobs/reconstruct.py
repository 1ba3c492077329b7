# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from its folder to its artifacts: load the scene, call the method, keep what it made.

It must not know processes, nor how a run ends in other ways than with a mesh.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from lightkiln_shared.errors import InvalidScene, NothingReconstructed
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.params import build

from lightkiln.capture.inputs import Inputs, LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.quality import quality_warnings
from lightkiln.mesh.export import load_mesh, save_mesh
from lightkiln.methods.registry import load_entry, params_for, spec_named
from lightkiln.methods.spec import REFINE_CAMERAS, MethodSpec

from . import atomic
from .artifacts import REPORT, keep, write_report
from .finishing import finished, share_of_method
from .folder import JobFolder, JobSpec
from .frames import FRAMES, NOT_AGAIN, SHARE_OF_FRAMES, render_frames
from .journal import Journal
from .memory import check_memory
from .run import JobRun
from .thumbnail import keep_thumbnail


def reconstruct(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or the scene raises."""
    spec, params, entry = begun(folder, job, run)
    inputs = _loaded(folder, spec, params, run)
    keep_thumbnail(folder, journal, inputs.views[0].image)
    made_and_kept(folder, job, journal, run, lambda: entry(inputs, params, run), inputs.views)
    if run.newest_picture is not None:
        keep_thumbnail(folder, journal, run.newest_picture.pixels)
    run.tell_the_end()


def begun(folder: JobFolder, job: JobSpec, run: JobRun) -> tuple[MethodSpec, Any, Any]:
    """The method, its parameters and its function, once it is seen that the run will fit."""
    run.tell()
    spec = spec_named(job.method)
    params = params_for(spec, job.preset, job.params)
    if not folder.surface.exists():
        check_memory(spec, job, folder.scene(), run.warn)
    return spec, params, load_entry(spec)


def made_and_kept(
    folder: JobFolder,
    job: JobSpec,
    journal: Journal,
    run: JobRun,
    method: Callable[[], TriangleMesh],
    views: Sequence[LoadedView] = (),
) -> TriangleMesh | None:
    """Have the method make its surface unless it is there, and keep all that comes of it.

    Returns the result; None where only pictures were made.
    """
    options = build(Finish, job.finish)
    made = _made_before(folder, run)
    if made is None:
        made = _made(folder, run, options, method)
    if (folder.artifacts / FRAMES).exists():
        keep(folder.artifacts / FRAMES, journal)
    params = params_for(spec_named(job.method), job.preset, job.params)
    about: dict[str, Any] = {"params": dataclasses.asdict(params)}
    result = None
    if made is not None:
        keep(folder.surface, journal)
        result, files = finished(made, views, options, folder.artifacts, run)
        for path in files:
            keep(path, journal)
        about["finish"] = dataclasses.asdict(options)
        about["mesh"] = {"vertices": len(result.positions), "triangles": len(result.triangles)}
    write_report(folder, job, run, about)
    keep(folder.artifacts / REPORT, journal)
    return result


def _loaded(folder: JobFolder, spec: MethodSpec, params: Any, run: JobRun) -> Inputs:
    """What the method is given, with all that is to be said of it."""
    inputs = load_inputs(folder.scene(), folder.files, warn=run.warn)
    for warning in quality_warnings(inputs.views):
        run.warn(warning)
    if hasattr(params, REFINE_CAMERAS):  # only then is all imported that looking through needs
        inspection = importlib.import_module("lightkiln.jobs.inspection")
        inputs = inspection.inspected(inputs, getattr(params, REFINE_CAMERAS), run.warn)
    if spec.wants_masks and not inputs.has_masks:
        raise InvalidScene(
            f"The method {spec.name!r} needs a mask for every view.",
            hint="Use images with transparency or mask files, or choose another method.",
        )
    return inputs


def _made_before(folder: JobFolder, run: JobRun) -> TriangleMesh | None:
    """The surface if it is there: another job's, or this one's from before a crash or a pause.

    With pictures still to be rendered the method goes on from its last state, if it has one.
    """
    if not folder.surface.exists():
        return None
    if folder.scene().path and not (folder.artifacts / FRAMES).exists():
        if run.resume() is not None:
            return None
        run.warn(NOT_AGAIN)
    return cast("TriangleMesh", load_mesh(folder.surface))


def _made(
    folder: JobFolder, run: JobRun, options: Finish, method: Callable[[], TriangleMesh]
) -> TriangleMesh | None:
    """The method's surface, saved, and its pictures along the scene's path.

    Where there are pictures, a surface that is none does not end the job.
    """
    cameras, share = folder.scene().path, share_of_method(options)
    run.part = share * (1.0 - SHARE_OF_FRAMES) if cameras else share
    run.kept_time = 1.0 - run.part
    mesh = None
    try:
        mesh = _checked(method())
    except NothingReconstructed as error:
        if not cameras or run.render_frame is None:
            raise
        run.warn(f"{error.message} Only pictures are made.")
    run.kept_time = 0.0
    if mesh is not None:
        with atomic.whole(folder.surface) as beside:
            save_mesh(mesh, beside)
    if cameras:
        run.part = share * SHARE_OF_FRAMES
        render_frames(cameras, folder.artifacts / FRAMES, run)
    return mesh


def _checked(mesh: TriangleMesh) -> TriangleMesh:
    if len(mesh.triangles) == 0:
        raise NothingReconstructed(
            "No surface was found.",
            hint="Check that the region holds the object and that several cameras see it.",
        )
    if not np.isfinite(mesh.positions).all():
        raise NothingReconstructed(
            "The surface has places that are not numbers.", hint="Try another seed or preset."
        )
    return mesh
