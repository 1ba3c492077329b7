# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's own motion tracker has solved, as a solve like any other.

`read` takes numbers from a clip on the main thread; `solved` hashes the frames' files elsewhere.
Frames are the files of an image sequence; of a film the backend writes them first.
It must not know how a solve becomes objects.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import MovieClip, MovieTrackingObject, Scene
from numpy.typing import NDArray

from . import conversion, image_files, photographs, region
from .convert import cameras_from_tracker
from .shared.errors import InvalidScene
from .shared.scene import Region, RegionShape, View
from .shared.scene import Scene as OurScene
from .solved import Solved, Unplaced
from .tracker_lens import TrackerLens

FOLDER = "clips"
"""Of the frames that are taken from films."""
GREY = 0.6
"""Tracks have no colour of their own."""
_NUMBER = re.compile(r"(.*?)(\d+)(\D*)")
"""What Blender counts up in a sequence: the last digits before the ending."""


@dataclass(frozen=True, slots=True)
class Film:
    """A video, and which of its frames are wanted."""

    path: Path
    numbers: tuple[int, ...]
    """From 0."""
    fps: float

    def files(self, folder: Path) -> list[Path]:
        """Where the frames lie: in a folder of their own, the same for the same."""
        changed = self.path.stat().st_mtime_ns if self.path.is_file() else 0
        about = repr((str(self.path), changed, self.numbers, self.fps))
        own = folder / hashlib.sha256(about.encode()).hexdigest()[:16]
        return [own / f"frame-{number:06}.jpg" for number in self.numbers]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracked:
    """A solved clip, with nothing of Blender's in it."""

    lens: TrackerLens
    world_from_solve: NDArray[Any]
    """(4, 4): turns, moves and scales as the clip was set upright."""
    frames: tuple[tuple[Path, NDArray[Any]], ...]
    """Each frame's file, and its camera's matrix (4, 4) as Blender's tracker has it."""
    bundles: NDArray[Any]
    """(N, 3), what the tracks stand for, in the solve's own axes."""
    error: float
    """Pixels."""
    film: Film | None = None
    """What the frames' files are made from; None: they are there."""


def clips() -> list[MovieClip]:
    """The clips of the file whose camera is solved."""
    return [clip for clip in bpy.data.movieclips if _camera_of(clip).reconstruction.is_valid]


def read(clip: MovieClip, scene: Scene, at_most: int, folder: Path) -> Tracked:
    """A solved clip, of at most so many frames, spread over all; a film's frames are to lie in a
    folder below `folder`."""
    reconstruction = _camera_of(clip).reconstruction
    cameras = list(reconstruction.cameras)
    if len(cameras) > at_most:
        chosen = np.linspace(0, len(cameras) - 1, at_most).round().astype(int)
        cameras = [cameras[index] for index in chosen]
    first = Path(bpy.path.abspath(clip.filepath, library=clip.library))
    numbers = tuple(each.frame - 1 + clip.frame_offset for each in cameras)
    film = Film(first, numbers, clip.fps) if clip.source == "MOVIE" else None
    files = [_file(first, number) for number in numbers] if film is None else film.files(folder)
    tracks = [track for track in _camera_of(clip).tracks if track.has_bundle]
    bundles = np.array([track.bundle for track in tracks], dtype=np.float64)
    return Tracked(
        lens=_lens(clip),
        world_from_solve=_placement(clip, scene),
        frames=tuple(
            (file, _matrix(each.matrix)) for file, each in zip(files, cameras, strict=True)
        ),
        bundles=bundles.reshape(-1, 3),
        error=reconstruction.average_error,
        film=film,
    )


def solved(tracked: Tracked, command: str) -> Solved:
    """The solve; raises `InvalidScene` if no frame is there, or its lens cannot be expressed, and
    `UserError` if the backend, called by its command, cannot take frames from a film."""
    if tracked.film is not None:
        _take_frames(tracked, tracked.film, command)
    there = [(path, matrix) for path, matrix in tracked.frames if path.is_file()]
    if not there:
        raise InvalidScene(
            f"None of the clip's frames is there, {tracked.frames[0][0].name} first.",
            hint="Choose its first image as the clip's file again.",
        )
    matrices = [matrix for _, matrix in there]
    cameras = cameras_from_tracker(tracked.lens, matrices, tracked.world_from_solve)
    refs = [photographs.file_ref(path) for path, _ in there]
    views = tuple(View(camera=camera, image=ref) for camera, ref in zip(cameras, refs, strict=True))
    placed = tracked.world_from_solve
    points = tracked.bundles @ placed[:3, :3].T + placed[:3, 3]
    return Solved(
        scene=OurScene(views=views, region=_region(points, views)),
        positions=points.astype(np.float32),
        colors=np.full((len(points), 3), GREY, dtype=np.float32),
        unplaced=tuple(_missing(path for path, _ in tracked.frames)),
        paths={ref.sha256: path for ref, (path, _) in zip(refs, there, strict=True)},
        error=tracked.error,
    )


def _take_frames(tracked: Tracked, film: Film, command: str) -> None:
    first = tracked.frames[0][0]
    if not all(path.is_file() for path, _ in tracked.frames):
        shutil.rmtree(first.parent, ignore_errors=True)  # what was broken off
        first.parent.parent.mkdir(parents=True, exist_ok=True)
        conversion.take_frames(command, film.path, film.numbers, film.fps, first.parent)
    size = image_files.size_of(first.read_bytes(), first.name)
    if size != (tracked.lens.width, tracked.lens.height):  # turned, by whom it may be
        raise InvalidScene(
            f"The frames of {film.path.name} come as {size[0]} x {size[1]} pixels, not as the clip "
            f"has them.",
            hint="Save them as an image sequence, choose its first image as the clip's file and "
            "import again: the solve stays.",
        )


def _camera_of(clip: MovieClip) -> MovieTrackingObject:
    """What is tracked is the camera and things that move; this is the camera."""
    return next(each for each in clip.tracking.objects if each.is_camera)


def _lens(clip: MovieClip) -> TrackerLens:
    camera = clip.tracking.camera
    x, y = camera.principal_point_pixels
    prefix, count = {"POLYNOMIAL": ("k", 3), "BROWN": ("brown_k", 4)}.get(
        camera.distortion_model, (f"{camera.distortion_model.lower()}_k", 2)
    )
    is_brown = camera.distortion_model == "BROWN"
    return TrackerLens(
        focal=camera.focal_length_pixels,
        principal_point=(x, y),
        pixel_aspect=camera.pixel_aspect,
        width=clip.size[0],
        height=clip.size[1],
        model=camera.distortion_model,
        radial=tuple(getattr(camera, f"{prefix}{i}") for i in range(1, count + 1)),
        tangential=(camera.brown_p1, camera.brown_p2) if is_brown else (0.0, 0.0),
    )


def _placement(clip: MovieClip, scene: Scene) -> NDArray[Any]:
    """World from solve: how the scene's camera that follows the clip was set upright and scaled.

    Such a camera stands at its own place times the solve's of this frame.
    """
    camera = scene.camera
    follows = camera is not None and any(
        each.type == "CAMERA_SOLVER"
        and (scene.active_clip if each.use_active_clip else each.clip) == clip
        for each in camera.constraints
    )
    if not follows:
        return np.eye(4)
    parent = camera.parent.matrix_world @ camera.matrix_parent_inverse if camera.parent else None
    return _matrix(camera.matrix_basis if parent is None else parent @ camera.matrix_basis)


def _region(points: NDArray[Any], views: tuple[View, ...]) -> Region | None:
    if not len(points):
        return None
    seen_by = region.share_of_views(points, [view.camera for view in views])
    placed = region.around(points, seen_by, np.eye(3))
    return Region(shape=RegionShape.BOX, world_from_region=placed)


def _missing(paths: Iterable[Path]) -> list[Unplaced]:
    gone = [path.name for path in paths if not path.is_file()]
    return [Unplaced(name=name, text="The clip's file of this frame is gone.") for name in gone]


def _file(first: Path, steps: int) -> Path:
    """The file of a sequence, so many after its first."""
    found = _NUMBER.fullmatch(first.stem)
    if found is None:  # a single picture
        return first
    head, number, tail = found.groups()
    name = f"{head}{int(number) + steps:0{len(number)}}{tail}{first.suffix}"
    return first.with_name(name)


def _matrix(matrix: Any) -> NDArray[Any]:
    return np.array(matrix, dtype=np.float64)
