# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a band: pictures, colours and surface points.

It must not know photographs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray

from lightkiln.ops.kernels import fused
from lightkiln.ops.kernels.arrays import TERMS, Outcome, Rays, empty_outcome
from lightkiln.ops.kernels.blocks import normals as write_normals
from lightkiln.ops.kernels.sample import WHOLE, sample
from lightkiln.ops.rays import pixel_centres, pixel_directions, world_from_pixel

from .band import Band

PROJECTIONS = 3
"""Newton steps; each at most a voxel long, the surface less than one away."""


def look(band: Band, camera: Camera, sharpness: float) -> Outcome:
    """What every pixel sees, row by row."""
    count = camera.width * camera.height
    directions = pixel_directions(
        world_from_pixel(camera), pixel_centres(np.arange(count), camera.width)
    )
    origin = ((camera.centre - band.origin) / band.voxel).astype(np.float32)
    rays = Rays(
        np.tile(origin, (count, 1)), directions.astype(np.float32), np.zeros(count, np.float32)
    )
    out = empty_outcome(count)
    fused.render(band.field(sharpness), rays, out)
    return out


def render(band: Band, camera: Camera, sharpness: float) -> UInt8[NDArray[Any], "h w 4"]:
    """A picture: sRGB, straight alpha."""
    out = look(band, camera, sharpness)
    alpha = 1.0 - out.transmittance[:, None]
    straight = out.color / np.maximum(alpha, 1.0 / 255.0)  # fainter: alpha rounds to 0 anyway
    pixels = np.rint(255.0 * np.clip(np.concatenate([straight, alpha], axis=-1), 0.0, 1.0))
    return np.asarray(pixels.astype(np.uint8).reshape(camera.height, camera.width, 4))


def color_at(
    band: Band, positions: Float[NDArray[Any], "n 3"], directions: Float[NDArray[Any], "n 3"]
) -> Float[NDArray[Any], "n 3"]:
    """sRGB values in [0, 1] at places in the world, seen along `directions`; 0 off the band."""
    rows = np.empty((len(positions), band.color.shape[1]), dtype=np.float32)
    sample(band.table, band.color, _lattice(band, positions), 0.0, rows)
    x, y, z = directions.T
    basis = np.stack([np.ones_like(x), y, z, x], axis=-1)
    colors = np.einsum("nct,nt->nc", np.nan_to_num(rows).reshape(-1, 3, TERMS), basis)
    return np.asarray(np.clip(colors, 0.0, 1.0))


def projected(band: Band, positions: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
    """Points near the surface moved onto it: x - f n / |n|², metres.

    n is interpolated from the lattice points' own gradients: it has no jumps at the cells' faces.
    """
    values = np.concatenate([band.distance[:, None], _gradients(band)], axis=-1)
    read = np.empty((len(positions), 4), dtype=np.float32)
    x = _lattice(band, positions)
    for _ in range(PROJECTIONS):
        sample(band.table, values, x, WHOLE, read)
        f, n = read[:, :1], read[:, 1:]
        # Where the interpolated gradient all but vanishes (thin parts) its direction means nothing.
        move = np.nan_to_num(f * n / np.maximum((n * n).sum(axis=-1, keepdims=True), 0.25))
        x = x - move / np.maximum(np.linalg.norm(move, axis=-1, keepdims=True), 1.0)
    return np.asarray(band.origin + band.voxel * x.astype(np.float64), dtype=np.float32)


def _gradients(band: Band) -> NDArray[Any]:
    normals = np.empty((band.distance.size, 3), dtype=np.float32)
    write_normals(band.distance, band.near, normals)
    return normals


def _lattice(band: Band, positions: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray((positions - band.origin) / band.voxel, dtype=np.float32)
