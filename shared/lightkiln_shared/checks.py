# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is wrong with a scene's cameras, region or prompt before any file is opened.

Cheap enough for the door of a server, and for the add-on before it sends a byte. It must not know
files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from .camera import Camera, FloatArray, project
from .errors import InvalidPrompt, InvalidScene
from .scene import Region, Scene

MIN_VIEWS = 3
RIGID_TOLERANCE = 1e-3  # poses written with four digits still pass; a scale of 1 % does not
MAX_FRAMES, MAX_PATH_PIXELS = 9999, 10**9
"""Of a path: its pictures fit into one file then (4 GiB), whatever they show."""
MAX_SOURCES = 5000
MAX_PICTURES = 24
"""Of one thing, for a method that asks for no cameras: as many as it was ever shown, and more."""
"""Slices of a volume."""
MAX_WORDS, MAX_CHARACTERS = 100, 1000
"""Of a prompt: no text encoder that draws from it reads more than some 77 pieces of words."""

Warn = Callable[[str], None]


def check_scene(scene: Scene) -> None:
    """Raise `InvalidScene`, naming the view, unless cameras and region can be used."""
    if len(scene.views) < MIN_VIEWS:
        count = {0: "no views", 1: "one view"}.get(len(scene.views), f"{len(scene.views)} views")
        raise InvalidScene(
            f"The scene has {count}; a surface needs at least {MIN_VIEWS}.",
            hint="Select more cameras, best twenty or more all around the object.",
        )
    for view in scene.views:
        check_camera(view.camera, view.name)
    if scene.region is not None:
        check_region(scene.region)
    check_path(scene.path)


def check_path(path: Sequence[Camera]) -> None:
    """Raise `InvalidScene` unless pictures can be rendered from each of these cameras."""
    for index, camera in enumerate(path):
        check_camera(camera, f"frame {index + 1} of the path")
        if any(camera.distortion):
            raise InvalidScene(
                f"The camera of frame {index + 1} of the path is no pinhole.",
                hint="Leave out its distortion.",
            )
    pixels = sum(camera.width * camera.height for camera in path)
    if len(path) > MAX_FRAMES or pixels > MAX_PATH_PIXELS:
        raise InvalidScene(
            f"The path asks for {len(path)} frames, {pixels / 1e6:,.0f} megapixels in all; at most "
            f"{MAX_FRAMES} and {MAX_PATH_PIXELS / 1e6:,.0f} can be made.",
            hint="Use fewer frames, a larger step or a smaller size.",
        )


def check_photos(scene: Scene) -> None:
    """Raise `InvalidScene` unless there is something to be aligned."""
    if not scene.photos:
        raise InvalidScene(
            "The scene has no photographs to align.",
            hint="Give photographs or a video; views that have cameras are not aligned.",
        )


def check_picture(scene: Scene) -> None:
    """Raise `InvalidScene` unless there is the one photograph that a learned method looks at."""
    if len(scene.photos) != 1:
        raise InvalidScene(
            f"The method looks at one photograph; there are {len(scene.photos) or 'none'}.",
            hint="Give one picture of the thing, best cut out or before a plain background.",
        )


def check_pictures(scene: Scene) -> None:
    """Raise `InvalidScene` unless there are as many photographs of a thing as are looked at."""
    if not 0 < len(scene.photos) <= MAX_PICTURES:
        raise InvalidScene(
            f"The method looks at 1 to {MAX_PICTURES} photographs; "
            f"there are {len(scene.photos) or 'none'}.",
            hint="Give pictures of one thing, best cut out or before a plain background.",
        )


def check_sources(scene: Scene) -> None:
    """Raise `InvalidScene` unless there are files to make something of, and not too many."""
    if not scene.sources:
        raise InvalidScene("There is no file to make something of.", hint="Give one.")
    if len(scene.sources) > MAX_SOURCES:
        raise InvalidScene(
            f"There are {len(scene.sources)} files; at most {MAX_SOURCES} can be read.",
            hint="Leave every second one out.",
        )


def check_prompt(scene: Scene) -> None:
    """Raise `InvalidPrompt` unless the scene says in words what is wanted.

    Any alphabet will do here: what a prior does not understand, it says itself.
    """
    if scene.prompt is None:
        raise InvalidPrompt(
            "The scene has no prompt.", hint="Say in words what is wanted: this method needs it."
        )
    if not scene.prompt.text.strip():
        raise InvalidPrompt("The prompt is empty.", hint="Say what is wanted: a red torus, ...")
    check_words(scene.prompt.text, "prompt")
    check_words(scene.prompt.negative, "negative prompt")
    if scene.region is not None:
        check_region(scene.region)


def check_words(text: str, name: str) -> None:
    """Raise `InvalidPrompt` unless a prompt of that name can be read: not too long, no controls."""
    count = len(text.split())
    if count > MAX_WORDS:
        raise InvalidPrompt(
            f"The {name} has {count} words; at most {MAX_WORDS} are read.",
            hint="Say in a sentence what the thing is and how its parts lie.",
        )
    if len(text) > MAX_CHARACTERS:
        raise InvalidPrompt(
            f"The {name} has {len(text)} characters; at most {MAX_CHARACTERS} are read.",
            hint="Say in a sentence what the thing is and how its parts lie.",
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() for c in text):
        raise InvalidPrompt(
            f"The {name} has characters that are no text.", hint="Type it instead of pasting it."
        )


def check_camera(camera: Camera, name: str) -> None:
    """Raise `InvalidScene` unless the pose is rigid and the lens possible."""
    pose = np.asarray(camera.world_from_camera, dtype=np.float64)
    lens = (*camera.focal, *camera.principal_point, *camera.distortion)
    if not (np.isfinite(pose).all() and np.isfinite(lens).all()):
        raise InvalidScene(
            f"The camera of {name} has a pose or lens that is not a number.",
            hint="Align that photo again, or leave it out.",
        )
    rotation = pose[:3, :3]
    error = np.abs(rotation.T @ rotation - np.eye(3)).max()
    is_affine = np.abs(pose[3] - (0.0, 0.0, 0.0, 1.0)).max() < RIGID_TOLERANCE
    if error > RIGID_TOLERANCE or np.linalg.det(rotation) < 0.0 or not is_affine:
        raise InvalidScene(
            f"The pose of {name} is not a rotation and a translation.",
            hint="Remove scale and shear from the camera and from what it is parented to.",
        )
    if min(camera.focal) <= 0.0 or min(camera.width, camera.height) <= 0:
        raise InvalidScene(
            f"The camera of {name} has no positive focal length and size.",
            hint="Write its focal length and size in pixels.",
        )


def check_region(region: Region) -> None:
    """Raise `InvalidScene` unless the region is finite and has a volume."""
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-30:  # (1e-10 m)³
        raise InvalidScene(
            "The region has no volume.", hint="Give its empty a size along all three axes."
        )


def check_region_is_seen(cameras: Sequence[tuple[str, Camera]], region: Region, warn: Warn) -> None:
    """Raise `InvalidScene` if fewer than three of the named cameras see the region; else name the
    ones that do not, in a warning."""
    points = region_points(region)
    blind = [name for name, camera in cameras if not sees(camera, points).any()]
    num_seeing = len(cameras) - len(blind)
    if num_seeing < MIN_VIEWS:
        raise InvalidScene(
            f"Only {num_seeing} of {len(cameras)} cameras see the region; {blind[0]} does not.",
            hint="Move the region to where the cameras look, or check the poses' convention.",
        )
    if blind:
        more = f" and {len(blind) - 3} more" if len(blind) > 3 else ""
        warn(f"The region is not seen by {', '.join(blind[:3])}{more}.")


def region_points(region: Region, num: int = 9) -> FloatArray:
    """A lattice of num³ points over the region's cube, world axes (num³, 3)."""
    steps = np.linspace(-1.0, 1.0, num)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    return np.asarray(cube @ matrix[:3, :3].T + matrix[:3, 3])


def sees(camera: Camera, points: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which points (N, 3) lie before the camera and inside its image."""
    pixels, depth = project(camera, points)
    size = np.array([camera.width, camera.height])
    return np.asarray((depth > 0.0) & (pixels > 0.0).all(axis=-1) & (pixels < size).all(axis=-1))
