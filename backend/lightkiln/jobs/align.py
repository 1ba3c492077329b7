# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from a folder of photographs to its artifacts: cameras, points and what is left over.

    scene.json          the solved scene, the form in which a client submits one
    points.ply          the sparse cloud: x y z red green blue, error (pixels), track_length
    model.zip           the same as a COLMAP model (cameras.bin, images.bin, points3D.bin, ...)
    frame-0000.jpg ...  photographs that were made on the way: frames of a film, HEIC as JPEG
    report.json         beside the usual: `alignment`, with the reason of each unplaced photograph

It must not know processes, nor how a run ends in other ways than with a scene.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.checks import check_photos
from lightkiln_shared.codec import to_json
from lightkiln_shared.scene import FileRef, Photo, Scene, View

from lightkiln.capture.inputs import PhotoFile, PhotoInputs
from lightkiln.capture.open_scene import file_ref
from lightkiln.methods.registry import load_entry, params_for, spec_named

from . import atomic
from .artifacts import REPORT, keep, write_report
from .folder import JobFolder, JobSpec
from .journal import Journal
from .run import JobRun

SCENE, POINTS, MODEL = "scene.json", "points.ply", "model.zip"
WORKSPACE = "workspace"
MODEL_FILES = ("cameras.bin", "images.bin", "points3D.bin", "rigs.bin", "frames.bin")


def align(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or the photographs raise."""
    run.tell()
    spec = spec_named(job.method)
    params = params_for(spec, job.preset, job.params)
    entry = load_entry(spec)
    scene = folder.scene()
    check_photos(scene)
    given = {photo_file(photo, folder.files): photo for photo in scene.photos}
    workspace = folder.path / WORKSPACE
    workspace.mkdir(exist_ok=True)
    run.checkpoint(dict)  # all of its state lies in the workspace
    solved = entry(PhotoInputs(photos=tuple(given), workspace=workspace), params, run)
    made = _Made(given, folder.artifacts)
    views = tuple(
        View(camera=each.camera, image=photo.image, mask=photo.mask)
        for each in solved.placed
        for photo in [made.photo(each.photo)]
    )
    left = tuple(made.photo(each.photo) for each in solved.unplaced)
    result = Scene(views=views, region=solved.region, photos=left)
    _write_artifacts(folder.artifacts, result, solved)
    for path in (*made.files, *(folder.artifacts / name for name in (SCENE, POINTS, MODEL))):
        keep(path, journal)
    extra = {"params": dataclasses.asdict(params), "alignment": _alignment(solved, left)}
    write_report(folder, job, run, extra)
    keep(folder.artifacts / REPORT, journal)
    shutil.rmtree(workspace, ignore_errors=True)
    run.tell_the_end()


def photo_file(photo: Photo, files: Path) -> PhotoFile:
    """Where a photograph lies in a folder of files named by their content."""
    mask = None if photo.mask is None else files / photo.mask.sha256
    return PhotoFile(name=photo.name, path=files / photo.image.sha256, mask=mask)


class _Made:
    """Photographs of the result: given ones, and those that were made from them."""

    def __init__(self, given: dict[PhotoFile, Photo], artifacts: Path) -> None:
        self.files: list[Path] = []
        """The artifacts that the made ones became."""
        self._known = dict(given)
        self._artifacts = artifacts

    def photo(self, file: PhotoFile) -> Photo:
        """The scene's entry for it."""
        if file not in self._known:
            target = self._artifacts / self._free_name(file.name)
            with atomic.whole(target) as beside:
                shutil.copyfile(file.path, beside)
            ref = dataclasses.replace(file_ref(target), name=file.name)
            self._known[file] = Photo(image=ref, mask=self._mask(file))
            self.files.append(target)
        return self._known[file]

    def _mask(self, file: PhotoFile) -> FileRef | None:
        masks = {photo.mask.sha256: photo.mask for photo in self._known.values() if photo.mask}
        return None if file.mask is None else masks.get(file.mask.name)

    def _free_name(self, name: str) -> str:
        """An artifact's name: lower case, digits, `.`, `_` and `-`, and no other's."""
        plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).lstrip(".-") or "photograph.jpg"
        taken = {path.name for path in self.files}
        return plain if plain not in taken else f"{len(taken):04}-{plain}"


def _write_artifacts(artifacts: Path, scene: Scene, solved: Any) -> None:
    atomic.write(artifacts / SCENE, to_json(scene))
    atomic.write(artifacts / POINTS, *points_ply(solved.points))
    with tempfile.TemporaryDirectory(dir=artifacts.parent) as beside:
        solved.reconstruction.write(beside)
        with (
            atomic.whole(artifacts / MODEL) as target,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in MODEL_FILES:
                archive.write(Path(beside) / name, name)


def points_ply(points: Any) -> Iterable[bytes]:
    """A `SparsePoints` as binary PLY."""
    columns = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    columns += [("red", "u1"), ("green", "u1"), ("blue", "u1")]
    columns += [("error", "<f4"), ("track_length", "<i4")]
    kinds = {"<f4": "float", "u1": "uchar", "<i4": "int"}
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points.errors)}"]
    head += [f"property {kinds[kind]} {name}" for name, kind in columns]
    yield "\n".join([*head, "end_header", ""]).encode("ascii")
    rows = np.zeros(len(points.errors), dtype=columns)
    for axis, name in enumerate("xyz"):
        rows[name] = points.positions[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = points.colors[:, channel]
    rows["error"], rows["track_length"] = points.errors, points.track_lengths
    yield rows.tobytes()


def _alignment(solved: Any, left: tuple[Photo, ...]) -> dict[str, Any]:
    return {
        "placed": [
            {"name": each.photo.name, "points": each.num_points, "error": each.error}
            for each in solved.placed
        ],
        "unplaced": [
            {
                "name": photo.name,
                "sha256": photo.image.sha256,
                "reason": each.reason.value,
                "text": each.text,
            }
            for each, photo in zip(solved.unplaced, left, strict=True)
        ],
        "points": len(solved.points.errors),
        "reprojection_error": solved.error,
    }
