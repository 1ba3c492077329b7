# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the folders of IDR and NeuS: `cameras_sphere.npz` beside `image/` and `mask/`.

For view i, `world_mat_i` is a projection P = K [R | t] (its upper 3 x 4) from world coordinates,
and `scale_mat_i` maps the unit ball, the region, into the world. The mesh stays in world
coordinates. In these files the centre of a pixel has whole coordinates, so principal points move
by +0.5.
It must not know other formats.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape
from scipy.linalg import rq

from .images import read_size
from .sources import PosedPhoto, Source, images_in

NAMES = ("cameras_sphere.npz", "cameras.npz")
SKEW_TOLERANCE = 1e-3  # of the focal length: DTU's own calibration stays far below


def read(path: Path) -> Source:
    """Read the cameras at `path` and the images beside them; raises `InvalidScene`."""
    matrices = _matrices(path)
    images, masks = images_in(path.parent / "image"), images_in(path.parent / "mask")
    num_cameras = sum(key.startswith("world_mat_") and "inv" not in key for key in matrices)
    if len(images) != num_cameras or len(masks) not in (0, num_cameras):
        raise InvalidScene(
            f"{path.name} has {num_cameras} cameras for {len(images)} images "
            f"and {len(masks)} masks.",
            hint="image/ must hold one image for each camera, and mask/ as many or none.",
        )
    photos = tuple(
        PosedPhoto(
            camera=_camera(_matrix(matrices, f"world_mat_{i}"), image),
            image=image,
            mask=masks[i] if masks else None,
        )
        for i, image in enumerate(images)
    )
    ball = Region(shape=RegionShape.SPHERE, world_from_region=_matrix(matrices, "scale_mat_0"))
    return Source(photos=photos, region=ball)


def _matrices(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise InvalidScene(f"{path.name} cannot be read: {error}.", hint="Copy it again.") from None


def _matrix(matrices: dict[str, Any], key: str) -> FloatArray:
    matrix = matrices.get(key)
    if matrix is None or matrix.shape != (4, 4) or matrix.dtype.kind != "f":
        raise InvalidScene(f"The cameras have no 4 x 4 matrix {key}.", hint="Export them again.")
    return np.asarray(matrix, dtype=np.float64)


def _camera(world_mat: FloatArray, image: Path) -> Camera:
    """Split P = K [R | t] with K upper triangular, its diagonal positive, and det R = 1."""
    projection = world_mat[:3, :4]
    if not np.isfinite(projection).all() or not np.linalg.det(projection[:, :3]):
        raise InvalidScene(
            f"The camera of {image.name} has no usable projection.", hint="Leave that view out."
        )
    projection = projection * np.sign(np.linalg.det(projection[:, :3]))
    k, rotation = rq(projection[:, :3])
    signs = np.sign(np.diag(k))
    k, rotation = k * signs, signs[:, None] * rotation
    pose = np.eye(4)
    pose[:3, :3] = rotation.T
    pose[:3, 3] = -np.linalg.solve(projection[:, :3], projection[:, 3])
    k = k / k[2, 2]
    if abs(k[0, 1]) > SKEW_TOLERANCE * k[0, 0]:
        raise InvalidScene(
            f"The camera of {image.name} has oblique pixel axes.", hint="Calibrate without skew."
        )
    width, height = read_size(image, image.name)
    return Camera(
        world_from_camera=pose,
        focal=(float(k[0, 0]), float(k[1, 1])),
        principal_point=(float(k[0, 2]) + 0.5, float(k[1, 2]) + 0.5),
        width=width,
        height=height,
    )
