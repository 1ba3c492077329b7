# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a COLMAP model (text or binary) and finds its images and masks.

COLMAP's camera axes and its pixel convention (the corner is 0, centres are +0.5) are ours. Images
of cameras that ours cannot hold, wide fisheyes, are undistorted by COLMAP itself: see `flattened`.
It must not know other formats.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lightkiln_shared.errors import InvalidScene

from .colmap_library import pycolmap
from .flattened import as_photo
from .sources import PosedPhoto, Source, existing, inside, mask_beside

MODEL_FOLDERS = ("sparse/0", "sparse", ".", "colmap/sparse/0")
IMAGE_FOLDERS = ("images", ".")


def find_model(folder: Path) -> Path | None:
    """The folder that holds a model's cameras and images, looked for in the usual places."""
    for model in (folder / name for name in MODEL_FOLDERS):
        for suffix in (".bin", ".txt"):
            if all((model / f"{part}{suffix}").is_file() for part in ("cameras", "images")):
                return model
    return None


def read(folder: Path, model: Path) -> Source:
    """Read the model at `model` of the scene at `folder`; raises `InvalidScene`."""
    try:
        reconstruction = pycolmap.Reconstruction(str(model))
    except (ValueError, RuntimeError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is damaged"
        raise InvalidScene(
            f"The COLMAP model in {model.name} cannot be read: {reason}.",
            hint="Run COLMAP's mapper again, or its model_converter.",
        ) from None
    images = sorted(reconstruction.images.values(), key=lambda image: image.name)
    cameras = reconstruction.cameras
    photos = tuple(_photo(folder, cameras[i.camera_id], i) for i in images if i.has_pose)
    if not photos:
        raise InvalidScene("The COLMAP model has no posed images.", hint="Run its mapper again.")
    return Source(photos=photos)


def _photo(folder: Path, camera: pycolmap.Camera, image: pycolmap.Image) -> PosedPhoto:
    candidates = [inside(folder / name, image.name) for name in IMAGE_FOLDERS]
    path = next((path for path in candidates if path.is_file()), candidates[0])
    matrix = np.eye(4)
    matrix[:3] = image.cam_from_world().inverse().matrix()
    photo, mask = existing(path), mask_beside(folder, image.name)
    return as_photo(camera, matrix, photo, mask)


def read_points(folder: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Positions (N, 3) and colours (N, 3) uint8 of a folder's model; None without one."""
    model = find_model(folder)
    if model is None:
        return None
    points = list(pycolmap.Reconstruction(str(model)).points3D.values())
    if not points:
        return None
    return np.array([point.xyz for point in points]), np.array([point.color for point in points])
