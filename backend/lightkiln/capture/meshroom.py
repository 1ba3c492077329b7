# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Meshroom's StructureFromMotion leaves: `cameras.sfm` (or `sfm.json`, `sfm.sfm`).

`pose.transform.rotation` lists camera-from-world by columns, so read by rows it is
world-from-camera; `center` is the camera's place; the axes are ours. The principal point counts
from the image's corner in older files, from its centre in newer ones (1.2.1): whichever it is
nearer to. Focal lengths are pixels in older files, millimetres of `sensorWidth` in newer ones.
It must not know other formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene

from .colmap_library import pycolmap
from .documents import damaged, image_of, numbers, pose, read_json, without_zeros
from .flattened import as_photo
from .sources import PosedPhoto, Source

NAMES = ("cameras.sfm", "sfm.json", "sfm.sfm")
_RADIAL = ("pinhole", "radial1", "radial3", "radialk1", "radialk3", "none", "")
_BROWN = ("brown",)
_FISHEYE = ("fisheye4", "equidistant", "fisheye")


def read(path: Path) -> Source:
    """Read the cameras at `path`; raises `InvalidScene` that names what is wrong."""
    document = read_json(path)
    poses = {str(each["poseId"]): each for each in _list(document, "poses", path)}
    lenses = {str(each["intrinsicId"]): each for each in _list(document, "intrinsics", path)}
    photos = []
    for view in _list(document, "views", path):
        placed = poses.get(str(view.get("poseId", view.get("viewId"))))
        lens = lenses.get(str(view.get("intrinsicId")))
        if placed is not None and lens is not None:
            photos.append(_photo(path.parent, view, placed, lens))
    if not photos:
        raise InvalidScene(
            f"{path.name} has no cameras with poses.",
            hint="Take the file that StructureFromMotion has written.",
        )
    return Source(photos=tuple(photos))


def _list(document: Mapping[str, Any], key: str, path: Path) -> list[Mapping[str, Any]]:
    items = document.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise damaged(path.name, f"it has no list of {key}")
    needed = {"poses": "poseId", "intrinsics": "intrinsicId", "views": "path"}[key]
    if not all(needed in item for item in items):
        raise damaged(path.name, f"one of its {key} has no {needed}")
    return items


def _photo(
    folder: Path, view: Mapping[str, Any], placed: Mapping[str, Any], lens: Mapping[str, Any]
) -> PosedPhoto:
    image = image_of(folder, str(view["path"]))
    transform = placed.get("pose", {}).get("transform", {})
    rotation = numbers(transform.get("rotation"), 9, f"rotation of {image.name}").reshape(3, 3)
    centre = numbers(transform.get("center"), 3, f"centre of {image.name}")
    return _with_lens(pose(rotation, centre), lens, image)


def _with_lens(world_from_camera: FloatArray, lens: Mapping[str, Any], image: Path) -> PosedPhoto:
    size = numbers([lens.get("width"), lens.get("height")], 2, f"size of {image.name}")
    focal = _focal(lens, size, image.name)
    point = numbers(lens.get("principalPoint", [0, 0]), 2, f"principal point of {image.name}")
    if np.linalg.norm(point) < np.linalg.norm(point - size / 2.0):
        point = point + size / 2.0
    params = lens.get("distortionParams") or []
    values = numbers(params, len(params), f"distortion of {image.name}").tolist()
    kind = str(lens.get("distortionType") or lens.get("type") or "").lower()
    if not any(values) and kind not in _FISHEYE:
        kind, values = "pinhole", []
    if kind in _FISHEYE:
        fisheye = pycolmap.Camera(
            model="OPENCV_FISHEYE",
            width=int(size[0]),
            height=int(size[1]),
            params=[*focal, *point, *(values + [0.0] * 4)[:4]],
        )
        return as_photo(fisheye, world_from_camera, image, None)
    return PosedPhoto(
        image=image,
        camera=Camera(
            world_from_camera=world_from_camera,
            focal=focal,
            principal_point=(float(point[0]), float(point[1])),
            width=int(size[0]),
            height=int(size[1]),
            distortion=_distortion(kind, values, image.name),
        ),
    )


def _focal(lens: Mapping[str, Any], size: FloatArray, name: str) -> tuple[float, float]:
    if "pxFocalLength" in lens:
        value = lens["pxFocalLength"]
        both = value if isinstance(value, list) else [value, value]
        fx, fy = numbers(both, 2, f"focal length of {name}")
    else:
        about = [lens.get("focalLength"), lens.get("sensorWidth"), lens.get("pixelRatio", 1.0)]
        millimetres, sensor, ratio = numbers(about, 3, f"focal length of {name}")
        fx = millimetres / max(sensor, 1e-9) * max(size)  # a sensor of no width: a focal too long
        fy = fx * ratio
    return float(fx), float(fy)


def _distortion(kind: str, values: list[float], name: str) -> tuple[float, ...]:
    """Theirs is k1, k2, k3 and then the tangential pair."""
    k1, k2, k3, p1, p2 = (values + [0.0] * 5)[:5]
    if kind in _RADIAL:
        return without_zeros((k1, k2, 0.0, 0.0, k3))
    if kind in _BROWN:
        return without_zeros((k1, k2, p1, p2, k3))
    raise InvalidScene(
        f"The lens model of {name} ({kind}) cannot be used.",
        hint="Let Meshroom use radial3, brown or fisheye4, or export undistorted images.",
    )
