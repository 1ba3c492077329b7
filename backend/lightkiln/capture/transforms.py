# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `transforms.json` as NeRF, instant-ngp and nerfstudio write it.

`transform_matrix` is camera-to-world with OpenGL axes (+X right, +Y up, +Z backwards); intrinsics
in pixels stand in the frame or, for all frames, at the top; `camera_angle_x` is the horizontal
field of view in radians. Principal points count from the image's corner, as ours do. Two keys give
a region: ours, `region` ({"shape": "box" | "sphere", "world_from_region": 4 x 4}), and `aabb`
([[x, y, z], [x, y, z]]), read as a box.
It must not know other formats.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape

from .colmap_camera import colmap_lens
from .flattened import as_photo
from .images import read_size
from .sources import PosedPhoto, Source, existing, inside, mask_beside

NAMES = ("transforms.json", "transforms_train.json")
OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])  # its own inverse
_DISTORTION = ("k1", "k2", "p1", "p2", "k3")
_HIGHER = ("k4", "k5", "k6")
_MODELS = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV")
_FISHEYE = "OPENCV_FISHEYE"


def read(path: Path) -> Source:
    """Read the document at `path`; raises `InvalidScene` that names what is wrong in it."""
    document = _document(path)
    frames = document.get("frames")
    if not isinstance(frames, list) or not frames:
        raise InvalidScene(
            f"{path.name} has no frames.", hint="Export the cameras again, with their poses."
        )
    photos = tuple(_photo(path.parent, document, frame, i) for i, frame in enumerate(frames))
    return Source(photos=photos, region=_region(document))


def read_path(path: Path) -> tuple[Camera, ...]:
    """The cameras of a document whose frames need no images: where pictures are wanted from."""
    document = _document(path)
    frames = document.get("frames")
    if not isinstance(frames, list) or not frames:
        raise InvalidScene(f"{path.name} has no frames.", hint="Write one for each picture.")
    return tuple(_wanted(path, document, frame, i) for i, frame in enumerate(frames))


def _wanted(path: Path, document: Mapping[str, Any], frame: Any, index: int) -> Camera:
    name = f"frame {index}"
    values = {**document, **frame} if isinstance(frame, dict) else {}
    if not {"w", "h"} <= set(values):
        raise InvalidScene(f"{path.name}: {name} has no w and h.", hint="Write its size, pixels.")
    pose = _matrix(values.get("transform_matrix"), f"transform_matrix of {name}")
    camera = _camera(values, pose @ OPENGL_FROM_OPENCV, path)
    if camera.distortion:
        raise InvalidScene(f"{path.name}: {name} is no pinhole.", hint="Leave out k1, k2, p1, p2.")
    return camera


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidScene(
            f"{path.name} is not valid JSON: {error}.", hint="Export it again."
        ) from None
    if not isinstance(document, dict):
        raise InvalidScene(f"{path.name} holds no object.", hint="Export it again.")
    return document


def _photo(folder: Path, document: Mapping[str, Any], frame: Any, index: int) -> PosedPhoto:
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
        raise InvalidScene(f"Frame {index} has no file_path.", hint="Name its image there.")
    image = existing(inside(folder, frame["file_path"]))
    mask = frame.get("mask_path")
    pose = _matrix(frame.get("transform_matrix"), f"transform_matrix of {image.name}")
    values = {**document, **frame}
    camera = _camera(values, pose @ OPENGL_FROM_OPENCV, image)
    mask_path = existing(inside(folder, str(mask))) if mask else _beside(folder, image)
    if not _is_other(values, image.name):
        return PosedPhoto(camera=camera, image=image, mask=mask_path)
    lens = colmap_lens(camera, *_other_lens(values, camera, image.name))
    return as_photo(lens, camera.world_from_camera, image, mask_path)


def _beside(folder: Path, image: Path) -> Path | None:
    """A mask in a folder beside the one that holds the images."""
    relative = image.relative_to(folder)
    if len(relative.parts) < 2:
        return None
    return mask_beside(folder, str(Path(*relative.parts[1:])))


def _camera(values: Mapping[str, Any], world_from_camera: FloatArray, image: Path) -> Camera:
    """`values`: the frame's, over the document's."""
    if "w" in values and "h" in values:
        width, height = (int(_number(values, key, image.name)) for key in "wh")
    else:
        width, height = read_size(image, image.name)
    fx = _focal(values, "x", width, image.name)
    fy = fx if fx and not {"fl_y", "camera_angle_y"} & set(values) else None
    fy = fy or _focal(values, "y", height, image.name)
    distortion = tuple(_number(values, key, image.name, 0.0) for key in _DISTORTION)
    return Camera(
        world_from_camera=world_from_camera,
        focal=(fx or fy, fy),
        principal_point=(
            _number(values, "cx", image.name, width / 2),
            _number(values, "cy", image.name, height / 2),
        ),
        width=width,
        height=height,
        distortion=distortion if any(distortion) else (),
    )


def _is_other(values: Mapping[str, Any], name: str) -> bool:
    """Whether it is a lens that only COLMAP's cameras hold: a fisheye, or one with k4, k5, k6."""
    model = values.get("camera_model", "OPENCV")
    if model not in (*_MODELS, _FISHEYE):
        raise InvalidScene(
            f"The camera model of {name} ({model}) cannot be used.",
            hint="Undistort the images and export pinhole cameras.",
        )
    is_fisheye = model == _FISHEYE or bool(values.get("is_fisheye", False))
    return is_fisheye or any(_number(values, key, name, 0.0) for key in _HIGHER)


def _other_lens(
    values: Mapping[str, Any], camera: Camera, name: str
) -> tuple[str, tuple[float, ...]]:
    """COLMAP's model and its parameters beyond the pinhole's."""
    if values.get("camera_model") == _FISHEYE or values.get("is_fisheye", False):
        return _FISHEYE, tuple(_number(values, f"k{i}", name, 0.0) for i in range(1, 5))
    lens = (*camera.distortion, *(0.0,) * (5 - len(camera.distortion)))
    return "FULL_OPENCV", (*lens, *(_number(values, key, name, 0.0) for key in _HIGHER))


def _focal(values: Mapping[str, Any], axis: str, size: int, name: str) -> float:
    """Pixels; 0 for a missing fl_x, which fl_y may then replace."""
    if f"fl_{axis}" in values:
        return _number(values, f"fl_{axis}", name)
    angle = _number(values, f"camera_angle_{axis}", name, math.nan)
    if math.isnan(angle):
        raise InvalidScene(
            f"The camera of {name} has no focal length.",
            hint="Write fl_x (pixels) or camera_angle_x (radians).",
        )
    return size / (2.0 * math.tan(angle / 2.0))


def _number(values: Mapping[str, Any], key: str, name: str, default: float | None = None) -> float:
    value = values.get(key, default)
    if isinstance(value, str):  # nerfstudio writes what RealityCapture's table holds, as text
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidScene(f"{key} of {name} is not a number.", hint="Export the cameras again.")
    return float(value)


def _region(document: Mapping[str, Any]) -> Region | None:
    if "region" in document:
        region = document["region"]
        shape = region.get("shape") if isinstance(region, dict) else None
        if shape not in tuple(RegionShape):
            raise InvalidScene(
                "The region's shape is neither box nor sphere.", hint="Write one of the two."
            )
        matrix = _matrix(region.get("world_from_region"), "world_from_region")
        return Region(shape=RegionShape(shape), world_from_region=matrix)
    if "aabb" in document:
        low, high = _array(document["aabb"], (2, 3), "aabb")
        matrix = np.diag([*(high - low) / 2.0, 1.0])
        matrix[:3, 3] = (low + high) / 2.0
        return Region(shape=RegionShape.BOX, world_from_region=matrix)
    return None


def _matrix(value: Any, name: str) -> FloatArray:
    """4 x 4, or 3 x 4 with the last row understood."""
    if isinstance(value, list) and len(value) == 3:
        value = [*value, [0.0, 0.0, 0.0, 1.0]]
    return _array(value, (4, 4), name)


def _array(value: Any, shape: tuple[int, int], name: str) -> FloatArray:
    try:
        array = np.array(value, dtype=np.float64)
    except (ValueError, TypeError):
        array = np.empty(0)
    if array.shape != shape:
        raise InvalidScene(
            f"The {name} is not a matrix of {shape[0]} x {shape[1]} numbers.",
            hint="Export the cameras again.",
        )
    return array
