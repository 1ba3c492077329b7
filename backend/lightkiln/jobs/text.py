# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from a prompt to its artifacts: those of any mesh, and

    prompt.json   what was asked for: text, negative, seed; and, of a method that draws from a
                  prior, its name, title, licence, and the guidance by which it was asked

It must not know processes, nor how a mesh is made of words.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.checks import check_prompt
from lightkiln_shared.errors import InvalidPrompt, InvalidScene, NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import FileRef, Prompt, Region, RegionShape, Scene
from numpy.typing import NDArray

from lightkiln.capture.images import read_image
from lightkiln.capture.inputs import TextInputs
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.turntable import portrait

from . import atomic
from .artifacts import keep
from .folder import JobFolder, JobSpec
from .journal import Journal
from .prior import prior_of
from .reconstruct import begun, made_and_kept
from .run import JobRun
from .thumbnail import keep_thumbnail

PROMPT = "prompt.json"
START = "start.ply"
HINT = "Try another seed, or say it in plainer words."
GUIDANCE = "guidance"
"""A method with a parameter of this name follows the prompt as strictly as it says; 0: as suits the
prior."""


def text(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or the prompt raises."""
    _, params, entry = begun(folder, job, run)
    inputs = text_inputs(folder)
    keep_prompt(folder, job, journal, params)
    if inputs.image is not None:
        keep_thumbnail(folder, journal, inputs.image)
    try:
        made = made_and_kept(folder, job, journal, run, lambda: entry(inputs, params, run))
    except NothingReconstructed as error:
        raise NothingReconstructed(error.message, hint=HINT) from None
    if made is not None:
        keep_thumbnail(folder, journal, portrait(made))
    run.tell_the_end()


def text_inputs(folder: JobFolder) -> TextInputs:
    """What the method is given; raises `InvalidPrompt`."""
    scene = folder.scene()
    check_prompt(scene)
    assert scene.prompt is not None  # checked
    return TextInputs(
        prompt=_plain(scene.prompt.text),
        negative=_plain(scene.prompt.negative),
        region=scene.region or Region(shape=RegionShape.BOX, world_from_region=np.eye(4)),
        image=_image(scene, folder.files),
        start=None if scene.prompt.start is None else _start(scene.prompt.start, folder),
    )


def keep_prompt(folder: JobFolder, job: JobSpec, journal: Journal, params: Any) -> None:
    """Write what was asked for, with the prior's licence, before the work begins."""
    prompt = folder.scene().prompt or Prompt(text="")
    about: dict[str, Any] = {"text": prompt.text, "negative": prompt.negative, "seed": job.seed}
    prior = prior_of(params)
    if prior is not None:
        about |= {"prior": prior.name, "title": prior.title, "licence": prior.licence}
        about["guidance"] = getattr(params, GUIDANCE, 0.0) or prior.guidance
    atomic.write(folder.artifacts / PROMPT, json.dumps(about, indent=1).encode())
    keep(folder.artifacts / PROMPT, journal)


def _plain(words: str) -> str:
    """On one line."""
    return " ".join(words.split())


def _image(scene: Scene, files: Path) -> NDArray[Any] | None:
    """The picture beside the prompt, (H, W, 4) uint8, opaque unless it says otherwise."""
    if not scene.photos:
        return None
    ref = scene.photos[0].image
    with of_a_prompt():
        return np.asarray(read_image(files / ref.sha256, ref.name).convert("RGBA"))


@contextmanager
def of_a_prompt() -> Iterator[None]:
    """What is wrong with a picture, with advice for one that has no camera."""
    try:
        yield
    except InvalidScene as error:
        advice = "Give a whole PNG, JPEG, TIFF or WebP, or leave the picture out."
        raise InvalidPrompt(error.message, hint=advice) from None


def _start(ref: FileRef, folder: JobFolder) -> TriangleMesh:
    """The mesh to begin from; its kind is told by a name, and files are named by their content."""
    path = folder.path / START
    shutil.copyfile(folder.files / ref.sha256, path)
    mesh = load_mesh(path)
    if not isinstance(mesh, TriangleMesh):
        raise InvalidPrompt(
            "The mesh to start from has no triangles.", hint="Give a surface, not points alone."
        )
    return mesh
