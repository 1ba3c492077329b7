# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a method that has learned shapes: of one photograph, of points, of slices, or of
nothing but a seed. Its artifacts are those of any mesh.

It must not know networks, nor what is in the files.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
from lightkiln_shared.checks import check_region
from lightkiln_shared.geometry import PointCloud
from lightkiln_shared.scene import FileRef, Photo, Region, RegionShape, Scene

from lightkiln.capture.images import read_image
from lightkiln.capture.inputs import LearnedInputs, MeshFile
from lightkiln.learned.world.plan import family_of
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.turntable import portrait
from lightkiln.methods.spec import Need

from .folder import JobFolder, JobSpec
from .journal import Journal
from .needs import check_what_is_given
from .reconstruct import begun, made_and_kept
from .run import JobRun
from .thumbnail import keep_thumbnail

SOURCES = "sources"
SPACING = "spacing.json"
WORKSPACE = "workspace"
SUFFIX = re.compile(r"(\.[a-z0-9]{1,8}){1,2}$")


def learned(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or its inputs raise."""
    spec, params, entry = begun(folder, job, run)
    inputs = learned_inputs(folder, spec.needs)
    if inputs.images:
        keep_thumbnail(folder, journal, inputs.images[0])
    made = made_and_kept(folder, job, journal, run, lambda: entry(inputs, params, run))
    if made is not None:
        keep_thumbnail(folder, journal, portrait(made))
    shutil.rmtree(folder.path / WORKSPACE, ignore_errors=True)
    run.tell_the_end()


def learned_inputs(folder: JobFolder, needs: tuple[Need, ...]) -> LearnedInputs:
    """What the method is given; raises `InvalidScene`."""
    scene = folder.scene()
    check_what_is_given(scene, needs)
    region = scene.region or Region(shape=RegionShape.BOX, world_from_region=np.eye(4))
    check_region(region)
    looks = {Need.ONE_IMAGE, Need.FEW_IMAGES} & set(needs)
    images = tuple(_image(photo, folder) for photo in scene.photos) if looks else ()
    points = _points(scene.sources[0], folder) if Need.POINTS in needs else None
    volume = _volume(scene, folder) if Need.VOLUME in needs else None
    if {Need.MESH, Need.MESHES} & set(needs):
        workspace = folder.path / WORKSPACE
        workspace.mkdir(exist_ok=True)
        return LearnedInputs(region=region, meshes=_meshes(scene, folder), workspace=workspace)
    return LearnedInputs(region=region, images=images, points=points, volume=volume)


def _image(photo: Photo, folder: JobFolder) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A photograph (H, W, 4), with its mask as alpha where it has one."""
    image = read_image(folder.files / photo.image.sha256, photo.name).convert("RGBA")
    if photo.mask is not None:
        mask = read_image(folder.files / photo.mask.sha256, photo.mask.name).convert("L")
        image.putalpha(mask.resize(image.size))
    return np.asarray(image)


def _points(ref: FileRef, folder: JobFolder) -> PointCloud:
    """A file's points; of a mesh, its vertices."""
    made = load_mesh(_placed(ref, folder.path / SOURCES, 0, folder))
    if isinstance(made, PointCloud):
        return made
    return PointCloud(positions=made.positions, colors=made.colors)


def _volume(scene: Scene, folder: JobFolder) -> Path:
    """The one file, or the folder in which the slices lie in their order."""
    into = folder.path / SOURCES
    placed = [_placed(ref, into, index, folder) for index, ref in enumerate(scene.sources)]
    return placed[0] if len(placed) == 1 else into


def _meshes(scene: Scene, folder: JobFolder) -> tuple[MeshFile, ...]:
    """Each with its family: what stands before the stroke in its name."""
    into = folder.path / SOURCES
    return tuple(
        MeshFile(family=family_of(ref.name), path=_placed(ref, into, index, folder))
        for index, ref in enumerate(scene.sources)
    )


def _placed(ref: FileRef, into: Path, index: int, folder: JobFolder) -> Path:
    """A file under a name of ours, of which only the ending is the person's: it tells the kind."""
    into.mkdir(exist_ok=True)
    path = into / _called(ref, index)
    if not path.exists():
        try:
            path.hardlink_to(folder.files / ref.sha256)
        except OSError:  # another file system
            shutil.copyfile(folder.files / ref.sha256, path)
    return path


def _called(ref: FileRef, index: int) -> str:
    if ref.name == SPACING:
        return SPACING
    ending = SUFFIX.search(ref.name.lower())
    return f"{index:05}{ending[0] if ending else ''}"
