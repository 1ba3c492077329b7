# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of lenses that our camera cannot hold, undistorted by COLMAP once and kept in the cache.

A wide fisheye has no pinhole that shows all of it: what lies far off the axis is lost.
It must not know where cameras come from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from platformdirs import user_cache_path

from .colmap_camera import camera_from_colmap
from .colmap_library import Image, pycolmap
from .images import read_image, read_mask
from .sources import PosedPhoto

CACHE = "undistorted"


def as_photo(
    camera: pycolmap.Camera, world_from_camera: FloatArray, photo: Path, mask: Path | None
) -> PosedPhoto:
    """A photograph with our camera for COLMAP's, undistorted where ours cannot hold it."""
    ours = camera_from_colmap(camera, world_from_camera)
    if ours is None:
        return flattened(camera, world_from_camera, photo, mask)
    return PosedPhoto(camera=ours, image=photo, mask=mask)


def flattened(
    camera: pycolmap.Camera, world_from_camera: FloatArray, photo: Path, mask: Path | None
) -> PosedPhoto:
    """The photograph and its mask as a pinhole sees them; raises `InvalidScene`."""
    options = pycolmap.UndistortCameraOptions()
    try:
        pinhole = pycolmap.undistort_camera(options, camera)
    except (ValueError, RuntimeError):
        raise InvalidScene(
            f"The camera model of {photo.name} ({camera.model_name}) cannot be undistorted.",
            hint="Undistort the images with the tool that made the cameras, and export pinholes.",
        ) from None
    fx, fy, cx, cy = (float(value) for value in pinhole.params)
    ours = Camera(
        world_from_camera=world_from_camera,
        focal=(fx, fy),
        principal_point=(cx, cy),
        width=pinhole.width,
        height=pinhole.height,
    )
    folder = user_cache_path("lightkiln") / CACHE / _key(camera, photo, mask)
    image = folder / photo.with_suffix(".png").name
    if not image.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pixels = read_image(photo, photo.name).convert("RGB")
        _undistort(np.asarray(pixels), camera, options).save(image)
    if mask is None:
        return PosedPhoto(camera=ours, image=image)
    flat_mask = folder / f"mask-{mask.stem}.png"
    if not flat_mask.exists():
        grey = np.asarray(read_mask(mask, mask.name).convert("RGB"))
        _undistort(grey, camera, options).convert("L").save(flat_mask)
    return PosedPhoto(camera=ours, image=image, mask=flat_mask)


def _undistort(
    pixels: np.ndarray, camera: pycolmap.Camera, options: pycolmap.UndistortCameraOptions
) -> Image.Image:
    bitmap, _ = pycolmap.undistort_image(options, pycolmap.Bitmap.from_array(pixels), camera)
    return Image.fromarray(np.asarray(bitmap.to_array()))


def _key(camera: pycolmap.Camera, photo: Path, mask: Path | None) -> str:
    """Another file, another time of writing or another lens is another image."""
    about = [camera.model_name, camera.params_to_string(), camera.width, camera.height]
    for path in (photo, mask):
        if path is not None:
            about += [path.absolute(), path.stat().st_mtime_ns, path.stat().st_size]
    return hashlib.sha256(repr(about).encode()).hexdigest()[:24]
