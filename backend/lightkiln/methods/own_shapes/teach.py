# SPDX-License-Identifier: GPL-3.0-or-later
"""Teaches the VAE with somebody's meshes, keeps its weights, and draws a thing of a seed.

Weights are kept by what was shown and for how long, so another seed needs no other course. It must
not know jobs.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import torch
from lightkiln_shared.errors import InvalidParams, InvalidScene
from lightkiln_shared.geometry import TriangleMesh
from platformdirs import user_cache_path

from lightkiln.capture.inputs import LearnedInputs, MeshFile
from lightkiln.learned.course import FILE, Course
from lightkiln.learned.voxels import own
from lightkiln.learned.voxels.autoencoding import drawn
from lightkiln.learned.voxels.finish import color_of, finished
from lightkiln.learned.voxels.network import VoxelAutoencoder
from lightkiln.learned.voxels.shipped import vae
from lightkiln.learned.voxels.surface import surface
from lightkiln.learned.weights import About
from lightkiln.methods.spec import CheckpointState, Run, hear, rng

from . import Params

CACHE, KEPT = "own-shapes", 50
"""Where weights are kept, and how many: 1.7 MB each."""


def generate(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """A new thing in the region's cube; raises `InvalidScene` or `NothingReconstructed`."""
    if not inputs.meshes:
        raise InvalidScene("There are no meshes to learn from.", hint="Give a folder of them.")
    file = user_cache_path("lightkiln") / CACHE / f"{_key(inputs.meshes, params)}.safetensors"
    if not file.exists():
        taught = _taught(inputs, params, run)
        if run.finishing:  # a course that was cut short is for this mesh alone
            file = taught
        else:
            _keep(taught, file)
    with run.phase("inventing", 0.05):
        hear(run)
        file.touch()  # what was used last is forgotten last
        network, about = vae(str(file), run.device)
        logits = drawn(
            network, torch.tensor([_family(params.family, about, run)]), params.spread, run.seed
        )[0]
        color = color_of(run.seed)
        return finished(logits, inputs.region, params.threshold, params.faces, color, params.smooth)


def _taught(inputs: LearnedInputs, params: Params, run: Run) -> Path:
    """Weights in the workspace; a course that was broken off goes on there."""
    assert inputs.workspace is not None
    meshes = [(each.family, each.path) for each in inputs.meshes]
    with run.phase("looking at the meshes", 0.15):
        course = own.course_of(
            meshes,
            params.variants,
            params.steps,
            inputs.workspace,
            torch.device(run.device),
            run.steps,
        )
    with run.phase("learning", 0.8):
        run.preview_mesh(lambda: _preview(course, params.threshold))
        run.checkpoint(lambda: _saved(course))
        _learn(course, params.steps, run)
        run.record(iou=course.judge()["iou"])
    return inputs.workspace / FILE


def _learn(course: Course, steps: int, run: Run) -> None:
    with closing(course.batches()) as batches:
        for _ in run.steps(steps - course.pupil.step):
            batch = next(batches, None)
            if batch is None:  # nothing was gained for long
                return
            figures = course.learn(batch)
            if course.pupil.step % own.JUDGED_EVERY == 0:
                figures |= course.judge()
            run.record(**figures)


def _saved(course: Course) -> CheckpointState:
    """All of its state lies in the workspace."""
    course.save()
    return {}


def _preview(course: Course, threshold: float) -> TriangleMesh | None:
    """A thing as it would come now."""
    network = course.mean
    assert isinstance(network, VoxelAutoencoder)
    if not network.prior.mean.any():  # not fitted yet: what came would be of no family
        return None
    logits = drawn(network, torch.tensor([0]), 0.5, course.pupil.step)[0]
    return surface(logits, threshold) if logits.max() > 0.0 else None


def _family(name: str, about: About, run: Run) -> int:
    if not name:
        return int(rng(run).integers(len(about.families)))
    if name not in about.families:
        raise InvalidParams(
            f"None of the meshes is a {name!r}.", hint=f"There are: {', '.join(about.families)}."
        )
    return about.families.index(name)


def _key(meshes: Iterable[MeshFile], params: Params) -> str:
    """Other meshes, families or lengths of the course are other weights."""
    told = hashlib.sha256(f"1 {params.steps} {params.variants}".encode())
    for each in sorted(meshes, key=lambda mesh: (mesh.family, str(mesh.path))):
        told.update(each.family.encode() + b"\0" + hashlib.sha256(each.path.read_bytes()).digest())
    return told.hexdigest()[:32]


def _keep(weights: Path, file: Path) -> None:
    """Beside the others, of which the oldest go."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    shutil.copyfile(weights, beside)
    beside.replace(file)
    kept = sorted(file.parent.glob("*.safetensors"), key=lambda each: each.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)
