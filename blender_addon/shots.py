# SPDX-License-Identifier: GPL-3.0-or-later
"""From what Blender said of its cameras, or a person in words, to a scene whose files lie ready to
be sent. No bpy.

The main thread fills in an `Order` without touching a file; the client's thread turns it into a
`Prepared`: reads every image, measures and hashes it, and checks what can be checked before a byte
is sent. Each image brings its own resolution: a lens is converted for the image, not for the scene.
It must not know the wire.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from . import given, image_files, photographs, wishes
from .convert import Lens, camera_from_blender
from .given import Given
from .shared.camera import Camera
from .shared.checks import check_region_is_seen, check_scene
from .shared.codec import to_json
from .shared.errors import InvalidScene
from .shared.params import Scalar
from .shared.scene import FileRef, Region, Scene, View
from .transfers import Source
from .wishes import Wish

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """A Blender camera and where its image may be."""

    name: str
    """The camera object's."""
    matrix_world: NDArray[Any]
    """(4, 4), Blender's axes."""
    lens: Lens
    image: Source | None
    """A path, the bytes of a packed image, or None: look into the folder."""
    mask: Source | None = None
    """The object white; None: the image's alpha, if it has any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraPath:
    """From where pictures are wanted beside the mesh."""

    camera: str
    """Name of the camera object."""
    cameras: tuple[Camera, ...]
    """Pinholes, one for each picture."""
    start: int
    """The scene's frame that the first is of."""
    step: int
    """Frames from one to the next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """A job as the person wants it."""

    order_id: str
    """A UUID; a repeated submission gets the same job."""
    title: str
    method: str
    preset: str
    params: dict[str, Scalar]
    """Values over the preset's."""
    shots: tuple[Shot, ...]
    region: Region | None
    folder: Path | None
    """Where images are looked for that are named like their cameras."""
    time_limit: float = 0.0
    """Seconds; 0: none."""
    finish: dict[str, Scalar] = field(default_factory=dict)
    """How the surface is finished: options of `shared.finish.Finish`."""
    path: CameraPath | None = None
    photographs: tuple[Path, ...] = ()
    """What shall be aligned, a folder or files; then there are no shots."""
    wish: Wish | None = None
    """What shall be made of words; then there are no shots either."""
    given: Given | None = None
    """What a method that has learned shapes is given; then there are no shots either."""
    seed: int = 0
    notes: list[str] = field(default_factory=list)
    """Sentences for the person, found on the way."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set by the person before the backend has accepted the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that the backend must have before the job is queued."""

    scene_sha256: str
    files: dict[str, Source]
    """By SHA-256, the scene's document included."""


def prepare(order: Order, tell: Tell) -> Prepared:
    """Read and check everything; raises `InvalidScene` with the first thing that is wrong."""
    scene, files = _gathered(order, tell)
    document = to_json(scene)
    scene_sha256 = hashlib.sha256(document).hexdigest()
    return Prepared(scene_sha256=scene_sha256, files={**files, scene_sha256: document})


def _gathered(order: Order, tell: Tell) -> tuple[Scene, dict[str, Source]]:
    if order.wish is not None:
        return wishes.scene_of(order.wish, order.region)
    if order.given is not None and order.region is not None:
        return given.scene_of(order.given, order.region)
    return (_unposed if order.photographs else _posed)(order, tell)


def _unposed(order: Order, tell: Tell) -> tuple[Scene, dict[str, Source]]:
    scene, files = photographs.scene_of(order.photographs, tell)
    if others := photographs.find(order.photographs).others:
        order.notes.append(photographs.passed_over(others))
    return scene, dict(files)


def _posed(order: Order, tell: Tell) -> tuple[Scene, dict[str, Source]]:
    files: dict[str, Source] = {}
    views = []
    for index, shot in enumerate(order.shots):
        tell("Reading images", index / len(order.shots))
        source = image_of(shot, order.folder)
        sha256, size, (width, height) = measure(source, name_of(shot, source))
        files[sha256] = source
        views.append(
            View(
                camera=camera_from_blender(shot.matrix_world, shot.lens, width, height),
                image=FileRef(sha256=sha256, size=size, name=name_of(shot, source)),
                mask=_mask(shot, files),
            )
        )
    path = () if order.path is None else order.path.cameras
    scene = Scene(views=tuple(views), region=order.region, path=path)
    check_scene(scene)
    if scene.region is not None:
        named = [(shot.name, view.camera) for shot, view in zip(order.shots, views, strict=True)]
        check_region_is_seen(named, scene.region, lambda _: None)  # the backend warns
    return scene, files


def _mask(shot: Shot, files: dict[str, Source]) -> FileRef | None:
    if shot.mask is None:
        return None
    name = f"mask of {shot.name}"
    sha256, size, _ = measure(shot.mask, name)
    files[sha256] = shot.mask
    return FileRef(sha256=sha256, size=size, name=name)


def image_of(shot: Shot, folder: Path | None) -> Source:
    """Where a camera's image is; raises `InvalidScene` if it has none."""
    if shot.image is not None:
        return shot.image
    if folder is not None and not folder.is_dir():
        raise InvalidScene(
            f"The image folder {folder.name} does not exist.", hint="Choose another folder."
        )
    found = image_files.find(folder, shot.name) if folder else None
    if found is None:
        where = f"no file {shot.name} in the image folder" if folder else "no image folder is set"
        raise InvalidScene(
            f"The camera {shot.name} has no image: no background image, and {where}.",
            hint="Give it a background image, choose a folder, or press Render Views.",
        )
    return found


def name_of(shot: Shot, source: Source) -> str:
    """An image's name, for people."""
    return source.name if isinstance(source, Path) else shot.name


def measure(source: Source, name: str) -> tuple[str, int, tuple[int, int]]:
    """SHA-256, bytes, and (width, height) of an image."""
    if isinstance(source, bytes):
        return _measure_bytes(source, name)
    try:
        about = source.stat()
    except OSError:
        return _measure_bytes(image_files.read_file(source, name), name)
    return _measure_file(source, name, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _measure_file(path: Path, name: str, *_version: int) -> tuple[str, int, tuple[int, int]]:
    return _measure_bytes(image_files.read_file(path, name), name)


def _measure_bytes(data: bytes, name: str) -> tuple[str, int, tuple[int, int]]:
    return hashlib.sha256(data).hexdigest(), len(data), image_files.size_of(data, name)
