# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a camera that was only turned on the spot from one that was moved.

Between photographs from one place every point moves by the homography H = K R K^-1, whatever its
depth. So if nearly all pairs of photographs agree upon homographies, and there is a focal length f
for which the matrices M = K^-1 H K are rotations (after |det M| = 1, their distance |M^T M - I| is
small), nothing can be measured. A flat thing seen from two places gives homographies as well, but
M = R + t n^T / d is no rotation for any f.
It must not know files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.capture.colmap_library import pycolmap

from .features import Database

NEARLY_ALL = 0.8
"""Of the pairs; a wrong one here and there finds something else to agree upon."""
ROTATION = 0.05
"""Of |M^T M - I|: a step aside by a fortieth of the distance gives as much."""
FOCALS = np.geomspace(0.4, 6.0, 60)
"""In parts of the longer side: from a very wide lens to a long one, in steps of 5 %."""

Homography = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""H (3, 3) from the first image's pixels to the second's, and the two sizes (w, h)."""


def only_turned(database: Database) -> bool:
    """True if the photographs of the database were taken from one place."""
    cameras = {camera.camera_id: camera for camera in database.colmap.read_all_cameras()}
    size_of = {
        image.image_id: np.array([camera.width, camera.height], dtype=np.float64)
        for image in database.colmap.read_all_images()
        for camera in [cameras[image.camera_id]]
    }
    flat: list[Homography] = []
    num_pairs = 0
    kind = int(pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC)
    for number, geometry in zip(*database.colmap.read_two_view_geometries(), strict=True):
        if len(geometry.inlier_matches) == 0:
            continue
        num_pairs += 1
        if int(geometry.config) == kind and geometry.H is not None:
            one, two = pycolmap.pair_id_to_image_pair(number)
            flat.append((np.asarray(geometry.H), size_of[one], size_of[two]))
    return num_pairs > 0 and len(flat) >= NEARLY_ALL * num_pairs and are_rotations(flat)


def are_rotations(homographies: Sequence[Homography]) -> bool:
    """True if one focal length makes rotations of most of them."""
    errors = np.array([[_error(each, focal) for each in homographies] for focal in FOCALS])
    return bool(np.median(errors, axis=1).min() < ROTATION)


def _error(homography: Homography, focal: float) -> float:
    matrix, one, two = homography
    turn = np.linalg.inv(_intrinsics(two, focal)) @ matrix @ _intrinsics(one, focal)
    turn = turn / np.cbrt(np.linalg.det(turn))
    return float(np.linalg.norm(turn.T @ turn - np.eye(3)))


def _intrinsics(size: NDArray[Any], focal: float) -> NDArray[Any]:
    pixels = focal * size.max()
    return np.array([[pixels, 0.0, size[0] / 2], [0.0, pixels, size[1] / 2], [0.0, 0.0, 1.0]])
