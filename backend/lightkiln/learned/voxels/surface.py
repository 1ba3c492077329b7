# SPDX-License-Identifier: GPL-3.0-or-later
"""From the logits of voxels to a smooth closed surface in the cube [-1, 1]³, and pictures of it.

The probabilities, which belong to the middles of the cells, are interpolated on a finer lattice and
smoothed a little; the surface is where they have the threshold. It must not know networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import expit
from torch.nn import functional

from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract_dense
from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import camera_around

FINER = 3
"""Steps of the lattice in a voxel."""
SMOOTHING = 0.6
"""Standard deviation in voxels: takes the stairs away and leaves a leg of two voxels standing."""
SPECK = 0.02
"""Of the largest part's area."""
THRESHOLD = 0.5
RADIUS = 1.25
"""Of the ball that a picture shows."""
AZIMUTH, ELEVATION = 0.6, 0.4


def surface(
    logits: Float[NDArray[Any], "side side side"],
    threshold: float = THRESHOLD,
    smoothing: float = SMOOTHING,
) -> TriangleMesh:
    """The surface with normals outwards, smoothed over so many voxels.

    Raises `NothingReconstructed` if there is none.
    """
    side = len(logits)
    # Empty cells around it: what touches the cube's wall is closed there.
    probability = np.pad(expit(logits), 1).astype(np.float32)
    lattice = functional.interpolate(
        torch.from_numpy(probability)[None, None], scale_factor=float(FINER), mode="trilinear"
    )
    finer = gaussian_filter(lattice[0, 0].numpy(), FINER * smoothing, mode="constant")
    mesh = extract_dense(threshold - finer, np.ones([n - 1 for n in finer.shape], dtype=bool))
    if len(mesh.triangles) == 0:
        raise NothingReconstructed(
            "The network drew nothing.", hint="Try another seed, or a lower threshold."
        )
    positions = ((mesh.positions + 0.5) / FINER - 1.0) * (2.0 / side) - 1.0
    whole = TriangleMesh(
        positions=positions.astype(np.float32), triangles=mesh.triangles, normals=mesh.normals
    )
    return without_specks(whole, SPECK)


def sheet(
    logits: Float[NDArray[Any], "n side side side"], columns: int, pixels: int = 96
) -> UInt8[NDArray[Any], "H W 3"]:
    """Shaded pictures in full rows on white; what is empty stays white."""
    pictures = np.stack([_picture(each, pixels) for each in logits])
    rows = pictures.reshape(-1, columns, pixels, pixels, 3).swapaxes(1, 2)
    return np.asarray(rows.reshape(len(rows) * pixels, columns * pixels, 3))


def certain(voxels: NDArray[Any]) -> Float[NDArray[Any], "*any"]:
    """Logits of voxels that are known."""
    return np.where(voxels, 9.0, -9.0).astype(np.float32)


def _picture(logits: NDArray[Any], pixels: int) -> UInt8[NDArray[Any], "pixels pixels 3"]:
    camera = camera_around(np.zeros(3), RADIUS, AZIMUTH, ELEVATION, pixels)
    try:
        picture = shade(surface(logits), camera, clay=True).astype(np.float32)
    except NothingReconstructed:
        return np.full((pixels, pixels, 3), 255, dtype=np.uint8)
    alpha = picture[..., 3:] / 255.0
    return np.asarray(alpha * picture[..., :3] + (1.0 - alpha) * 255.0).astype(np.uint8)
