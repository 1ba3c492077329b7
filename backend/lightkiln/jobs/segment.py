# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from a scene to a mask for each of its views, as files.

    mask-0000.png ...  the object white, in the photograph as it was taken
    masks.json         [{"name", "sha256": of the photograph, "mask": the artifact's name}, ...]

It must not know how masks are made.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
from lightkiln_shared.camera import scaled
from PIL import Image

from lightkiln.capture.load import load_inputs
from lightkiln.capture.mask_files import on_photograph
from lightkiln.methods.registry import load_entry, params_for, spec_named

from . import atomic
from .artifacts import REPORT, keep, write_report
from .folder import JobFolder, JobSpec
from .journal import Journal
from .run import JobRun

LIST = "masks.json"
SIDE = 1600
"""Pixels; a mask is resized to its photograph on loading."""


def segment(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or the scene raises."""
    run.tell()
    spec = spec_named(job.method)
    params = params_for(spec, job.preset, job.params)
    entry = load_entry(spec)
    scene = folder.scene()
    inputs = load_inputs(scene, folder.files, max_side=SIDE, warn=run.warn)
    masks = entry(inputs, params, run)
    listed = []
    for index, (view, loaded, mask) in enumerate(
        zip(scene.views, inputs.views, masks, strict=True)
    ):
        height, width = np.shape(mask)
        pixels = on_photograph(mask, loaded.camera, scaled(view.camera, width, height))
        path = folder.artifacts / f"mask-{index:04}.png"
        with atomic.whole(path) as beside:
            Image.fromarray(pixels).save(beside, format="png")
        keep(path, journal)
        listed.append({"name": view.name, "sha256": view.image.sha256, "mask": path.name})
    atomic.write(folder.artifacts / LIST, json.dumps(listed, indent=1).encode())
    keep(folder.artifacts / LIST, journal)
    write_report(folder, job, run, {"params": dataclasses.asdict(params)})
    keep(folder.artifacts / REPORT, journal)
    run.tell_the_end()
