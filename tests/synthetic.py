# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene whose geometry is known exactly, photographed by ray casting in numpy.

The body is the union of two balls with a fine texture; sixteen cameras stand around it. The files
are written as other people's tools write them: PNG with alpha, `transforms.json` in OpenGL axes.
It must not know the code under test, beyond the types of `lightkiln_shared`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image
from skimage.measure import marching_cubes

CENTRES = np.array([[0.3, -0.2, 0.5], [0.75, 0.1, 0.95]])
RADII = np.array([0.6, 0.4])
LOOK_AT = np.array([0.45, -0.1, 0.65])
DISTANCE = 3.0
NUM_VIEWS = 16
SIZE = 96
FOCAL = 140.0
SUPERSAMPLING = 4

_rng = np.random.default_rng(7)
_WAVES = _rng.normal(size=(3, 24, 3)) * 14.0  # wavelengths from 0.15 m: seven pixels and more
_PHASES = _rng.uniform(0.0, 2.0 * np.pi, size=(3, 24))


@dataclass(frozen=True)
class SyntheticScene:
    """The written folder and the truth about it."""

    folder: Path
    mesh: TriangleMesh
    cameras: tuple[Camera, ...]
    """In the order of the frames."""

    @staticmethod
    def sdf(points: NDArray[Any]) -> NDArray[Any]:
        """Signed distance (...,) of points (..., 3), metres, negative inside.

        Exact outside; inside, where the balls overlap, its size is a lower bound.
        """
        distances = np.linalg.norm(points[..., None, :] - CENTRES, axis=-1) - RADII
        return np.asarray(distances.min(axis=-1))

    @staticmethod
    def color(points: NDArray[Any]) -> NDArray[Any]:
        """Linear albedo (..., 3) in [0, 1]."""
        waves = np.einsum("...d,cwd->...cw", points, _WAVES) + _PHASES
        return np.clip(0.4 + 0.1 * np.sin(waves).sum(axis=-1), 0.02, 1.0)


def write(folder: Path) -> SyntheticScene:
    """Render all views into `folder`; the same bytes every time."""
    (folder / "images").mkdir(parents=True)
    cameras = tuple(_camera(index) for index in range(NUM_VIEWS))
    frames = []
    for index, camera in enumerate(cameras):
        name = f"images/view_{index:02}.png"
        Image.fromarray(_photograph(camera)).save(folder / name)
        frames.append({"file_path": name, "transform_matrix": _opengl(camera).tolist()})
    lens = {"fl_x": FOCAL, "fl_y": FOCAL, "cx": SIZE / 2, "cy": SIZE / 2, "w": SIZE, "h": SIZE}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}, indent=1))
    return SyntheticScene(folder=folder, mesh=_true_mesh(), cameras=cameras)


def look_at(position: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """`world_from_camera` (4, 4) of a camera that stands upright in the Z-up world."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    matrix[:3, 3] = position
    return matrix


def _camera(index: int) -> Camera:
    height = 1.0 - 2.0 * (index + 0.5) / NUM_VIEWS  # a Fibonacci lattice on the sphere
    angle = index * np.pi * (3.0 - np.sqrt(5.0))
    ring = np.sqrt(1.0 - height * height)
    direction = np.array([ring * np.cos(angle), ring * np.sin(angle), height])
    return Camera(
        world_from_camera=look_at(LOOK_AT + DISTANCE * direction, LOOK_AT),
        focal=(FOCAL, FOCAL),
        principal_point=(SIZE / 2, SIZE / 2),
        width=SIZE,
        height=SIZE,
    )


def _opengl(camera: Camera) -> NDArray[Any]:
    return np.asarray(camera.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0]))


def _photograph(camera: Camera) -> NDArray[Any]:
    """(SIZE, SIZE, 4) uint8, sRGB, straight alpha: the mean of the rays through each pixel."""
    fine = SIZE * SUPERSAMPLING
    steps = (np.arange(fine) + 0.5) / SUPERSAMPLING - SIZE / 2
    x, y = np.meshgrid(steps / FOCAL, steps / FOCAL)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ camera.world_from_camera[:3, :3].T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    distance = _first_hit(camera.centre, rays)
    hit = np.isfinite(distance)
    colors = np.zeros((fine, fine, 4))
    colors[hit, :3] = SyntheticScene.color(camera.centre + distance[hit, None] * rays[hit])
    colors[hit, 3] = 1.0
    mean = colors.reshape(SIZE, SUPERSAMPLING, SIZE, SUPERSAMPLING, 4).mean(axis=(1, 3))
    mean[..., :3] /= np.maximum(mean[..., 3:], 1.0 / SUPERSAMPLING**2)  # one ray is the least
    srgb = np.where(
        mean[..., :3] <= 0.0031308,
        12.92 * mean[..., :3],
        1.055 * np.maximum(mean[..., :3], 0.0031308) ** (1 / 2.4) - 0.055,
    )
    return np.rint(255 * np.concatenate([srgb, mean[..., 3:]], axis=-1)).astype(np.uint8)


def _first_hit(origin: NDArray[Any], rays: NDArray[Any]) -> NDArray[Any]:
    """Distance (...,) along unit rays (..., 3) to the first ball; infinite where they miss."""
    to_centre = CENTRES - origin
    along = rays @ to_centre.T
    discriminant = along**2 - (to_centre**2).sum(axis=-1) + RADII**2
    near = along - np.sqrt(np.maximum(discriminant, 0.0))
    return np.asarray(np.where(discriminant > 0.0, near, np.inf).min(axis=-1))


def _true_mesh() -> TriangleMesh:
    """Vertices on the true surface to within rounding; triangles of about 2 cm."""
    low, voxel = (CENTRES - RADII[:, None]).min(axis=0) - 0.05, 0.02
    counts = np.ceil(((CENTRES + RADII[:, None]).max(axis=0) + 0.05 - low) / voxel).astype(int)
    axes = [low[axis] + voxel * np.arange(counts[axis]) for axis in range(3)]
    distances = SyntheticScene.sdf(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    vertices, triangles, _, _ = marching_cubes(distances, 0.0, spacing=(voxel,) * 3)
    points = vertices + low
    nearest = np.argmin(np.linalg.norm(points[:, None] - CENTRES, axis=-1) - RADII, axis=-1)
    normals = points - CENTRES[nearest]
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    points = CENTRES[nearest] + RADII[nearest, None] * normals
    return TriangleMesh(
        positions=points.astype(np.float32),
        triangles=triangles.astype(np.int32),
        colors=SyntheticScene.color(points).astype(np.float32),
        normals=normals.astype(np.float32),
    )
