# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a scene as a folder that others read: `transforms.json`, or a COLMAP model.

    OUT/images/  OUT/masks/          the files, linked or else copied, under their names
    OUT/transforms.json              as Nerfstudio writes it, and our `region`
    OUT/sparse/0/*.bin               as COLMAP writes it

It must not know where the scene comes from.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import UserError
from lightkiln_shared.scene import Scene, View
from numpy.typing import NDArray

from .colmap_camera import colmap_from_camera
from .colmap_library import pycolmap
from .transforms import OPENGL_FROM_OPENCV

Points = tuple[NDArray[Any], NDArray[Any]]
"""Positions (N, 3), world axes, and colours (N, 3) uint8, sRGB."""


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """A folder that was not there or was empty; it goes again if it is not filled to the end.

    Raises `UserError` if there is something in it already.
    """
    _make(folder)
    is_whole = False
    try:
        yield
        is_whole = True
    finally:
        if not is_whole:
            shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already.", hint="Choose another name, or remove it.")
    if not folder.absolute().parent.is_dir():
        raise UserError(f"There is no folder {folder.parent}.", hint="Make it first.")
    folder.mkdir(exist_ok=True)


def place_files(scene: Scene, files: Mapping[str, Path], folder: Path) -> dict[int, str]:
    """Link or copy images and masks into the folder; the name of each view's image, by its index.

    COLMAP looks for masks under the image's name with `.png` added.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    for index, view in enumerate(scene.views):
        name = re.sub(r"[/\\\0]", "-", view.name).lstrip(".") or "image"
        names[index] = name if name.lower() not in taken else f"{index:05}-{name}"
        taken.add(names[index].lower())
        _link(files[view.image.sha256], folder / "images" / names[index])
        if view.mask is not None:
            _link(files[view.mask.sha256], folder / "masks" / f"{names[index]}.png")
    return names


def write_transforms(scene: Scene, names: Mapping[int, str], path: Path) -> None:
    """Write cameras and region; the images lie in `images/` beside it."""
    frames = [_frame_of(view, names[index]) for index, view in enumerate(scene.views)]
    document: dict[str, Any] = {"camera_model": "OPENCV", "frames": frames}
    if scene.region is not None:
        document["region"] = {
            "shape": scene.region.shape.value,
            "world_from_region": scene.region.world_from_region.tolist(),
        }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")


def _frame_of(view: View, name: str) -> dict[str, Any]:
    masked = {"mask_path": f"masks/{name}.png"} if view.mask is not None else {}
    return frame(view.camera, f"images/{name}") | masked


def frame(camera: Camera, path: str) -> dict[str, Any]:
    """An entry of `frames` in `transforms.json`: an image's path there, its camera and lens."""
    lens = dict(zip(("k1", "k2", "p1", "p2", "k3"), camera.distortion, strict=False))
    return {
        "file_path": path,
        "transform_matrix": (camera.world_from_camera @ OPENGL_FROM_OPENCV).tolist(),
        "fl_x": camera.focal[0],
        "fl_y": camera.focal[1],
        "cx": camera.principal_point[0],
        "cy": camera.principal_point[1],
        "w": camera.width,
        "h": camera.height,
        **lens,
    }


def write_colmap(
    scene: Scene, names: Mapping[int, str], folder: Path, points: Points | None = None
) -> None:
    """Write a binary model: cameras, poses, and the points if there are any, without tracks."""
    model = pycolmap.Reconstruction()
    lenses: dict[Any, int] = {}
    for index, view in enumerate(scene.views):
        key = _intrinsics(view.camera)
        if key not in lenses:
            lenses[key] = len(lenses) + 1
            model.add_camera_with_trivial_rig(colmap_from_camera(view.camera, lenses[key]))
        image = pycolmap.Image(name=names[index], camera_id=lenses[key], image_id=index + 1)
        pose = view.camera.camera_from_world[:3]
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose))
    if points is not None:
        for position, color in zip(*points, strict=True):
            model.add_point3D(position.astype(np.float64), pycolmap.Track(), color)
    folder.mkdir(parents=True, exist_ok=True)
    model.write(str(folder))


def _intrinsics(camera: Camera) -> Any:
    return camera.focal, camera.principal_point, camera.distortion, camera.width, camera.height


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
