# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of meshes: depth and triangle of every pixel, and simple shading for people.

It must not know files, methods or Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.camera import Camera, project, scaled
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from lightkiln.ops.colors import linear_from_srgb, srgb_bytes
from lightkiln.ops.triangles import unit, vertex_normals

from .zbuffer import draw

CLAY = 0.55
"""Linear reflectance of a mesh without colours."""
AMBIENT, AMBIENT_ON_COLORS = 0.15, 0.45
"""Light that reaches a surface seen edge on, of 1; more on colours, which must still be told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """What a camera sees, pixel by pixel."""

    depth: NDArray[Any]
    """(H, W) float32 along the optical axis, metres; infinite where nothing is seen."""
    triangle: NDArray[Any]
    """(H, W) int32; -1 where nothing is seen."""
    barycentric: NDArray[Any]
    """(H, W, 3) float32: shares of the triangle's corners at the point seen."""

    @property
    def seen(self) -> NDArray[Any]:
        """(H, W) bool."""
        return np.asarray(self.triangle >= 0)


def rasterize(mesh: TriangleMesh, camera: Camera) -> Raster:
    """Find the triangle nearest to the camera at every pixel's centre; back faces are seen too.

    Lens distortion moves the corners only: edges stay straight.
    """
    shape = (camera.height, camera.width)
    depth = np.full(shape, np.inf, dtype=np.float32)
    triangle = np.full(shape, -1, dtype=np.int32)
    barycentric = np.zeros((*shape, 3), dtype=np.float32)
    pixels, distance = project(camera, mesh.positions.astype(np.float64))
    draw(pixels, distance, mesh.triangles, depth, triangle, barycentric)
    return Raster(depth=depth, triangle=triangle, barycentric=barycentric)


def interpolate(
    raster: Raster, mesh: TriangleMesh, values: Float[NDArray[Any], "V C"]
) -> Float[NDArray[Any], "H W C"]:
    """Values of vertices at the points seen; 0 where nothing is."""
    image = np.zeros((*raster.depth.shape, values.shape[1]), dtype=np.float32)
    corners = mesh.triangles[raster.triangle[raster.seen]]
    shares = raster.barycentric[raster.seen]
    image[raster.seen] = sum(shares[:, k, None] * values[corners[:, k]] for k in range(3))
    return image


def shade(
    mesh: TriangleMesh,
    camera: Camera,
    *,
    clay: bool = False,
    lit: bool = False,
    samples: int = 2,
) -> UInt8[NDArray[Any], "H W 4"]:
    """A picture, sRGB with straight alpha, of `samples`² rays a pixel.

    The vertices' colours as they are, or `lit` by a lamp at the camera, which shows the shape; with
    `clay`, or without colours, grey under that lamp.
    """
    raster = rasterize(mesh, _finer(camera, samples))
    colors = mesh.colors
    if clay or colors is None:
        colors = CLAY * np.repeat(_lamp(mesh, camera, AMBIENT), 3, axis=1)
    elif lit:
        colors = colors * _lamp(mesh, camera, AMBIENT_ON_COLORS)
    return _averaged(interpolate(raster, mesh, colors), raster, samples)


def shade_textured(
    textured: TexturedMesh, camera: Camera, *, lit: bool = False, samples: int = 2
) -> UInt8[NDArray[Any], "H W 4"]:
    """The same with the base colour's texels, bilinear, in place of the vertices' colours."""
    raster = rasterize(textured.mesh, _finer(camera, samples))
    uv = interpolate(raster, textured.mesh, textured.uvs)
    size = len(textured.base_color)
    texels = linear_from_srgb(textured.base_color / 255.0)
    at = np.stack([(1.0 - uv[..., 1]) * size - 0.5, uv[..., 0] * size - 0.5])
    color = np.stack(
        [map_coordinates(texels[..., c], at, order=1, mode="nearest") for c in range(3)], axis=-1
    )
    if lit:
        lamp = _lamp(textured.mesh, camera, AMBIENT_ON_COLORS)
        color *= interpolate(raster, textured.mesh, lamp)
    return _averaged(color, raster, samples)


def _finer(camera: Camera, samples: int) -> Camera:
    return scaled(camera, camera.width * samples, camera.height * samples)


def _averaged(
    color: Float[NDArray[Any], "H W 3"], raster: Raster, samples: int
) -> UInt8[NDArray[Any], "h w 4"]:
    height, width = raster.depth.shape
    color = np.where(raster.seen[..., None], color, 0.0)
    seen = raster.seen[..., None].astype(np.float32)
    blocks = np.concatenate([color, seen], axis=-1).reshape(
        height // samples, samples, width // samples, samples, 4
    )
    mean = blocks.mean(axis=(1, 3))
    straight = mean[..., :3] / np.maximum(mean[..., 3:], 1.0 / samples**2)  # one ray is the least
    alpha = np.rint(255.0 * mean[..., 3:]).astype(np.uint8)
    return np.concatenate([srgb_bytes(straight), alpha], axis=-1)


def _lamp(mesh: TriangleMesh, camera: Camera, ambient: float) -> NDArray[Any]:
    """(V, 1): light at the vertices, by the cosine between surface and the way to the camera."""
    normals = mesh.normals
    if normals is None:
        normals = vertex_normals(mesh.positions, mesh.triangles)
    cosine = np.abs((normals * unit(camera.centre - mesh.positions)).sum(axis=-1))
    light = ambient + (1.0 - ambient) * cosine
    return np.asarray(light[:, None], dtype=np.float32)
