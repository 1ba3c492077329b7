# SPDX-License-Identifier: GPL-3.0-or-later
"""A method that really looks: what stands before Blender's cameras comes back where it stands.

The photographs are silhouettes of two balls, cast along the rays of Blender's own `view_frame`; the
extension's conversion of cameras has no part in them. The two balls have no symmetry that would
hide a wrong axis.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from conftest import module
from pictures import cutout

WIDTH, HEIGHT = 160, 120
CENTRES = np.array([[1.0, 2.0, 3.0], [1.45, 2.25, 3.4]])
RADII = np.array([0.5, 0.28])
DISTANCE, NUM_CAMERAS = 4.0, 24
PIXEL = DISTANCE * 36.0 / 50.0 / WIDTH
"""Metres that a pixel covers there, with Blender's usual lens: 18 mm."""


def _silhouette(camera: bpy.types.Object) -> np.ndarray:
    """Which pixels (H, W) see a ball."""
    right_top, _, left_low, left_top = map(
        np.array, camera.data.view_frame(scene=bpy.context.scene)
    )
    x = (np.arange(WIDTH) + 0.5)[None, :, None] / WIDTH
    y = (np.arange(HEIGHT) + 0.5)[:, None, None] / HEIGHT
    rays = left_top + x * (right_top - left_top) + y * (left_low - left_top)
    rays = rays @ np.array(camera.matrix_world)[:3, :3].T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    beside = [
        np.linalg.norm(np.cross(rays, centre - np.array(camera.location)), axis=-1)
        for centre in CENTRES
    ]
    return np.any([far < radius for far, radius in zip(beside, RADII, strict=True)], axis=0)


def _signed_distance(points: np.ndarray) -> np.ndarray:
    return (np.linalg.norm(points[:, None] - CENTRES, axis=-1) - RADII).min(axis=-1)


def test_two_balls_come_back_where_they_stand(
    tmp_path: Path, add_camera: Callable[..., bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = WIDTH, HEIGHT
    steps = np.arange(NUM_CAMERAS) + 0.5
    heights = 1.0 - 2.0 * steps / NUM_CAMERAS  # Fibonacci's lattice on the sphere
    turns = steps * np.pi * (3.0 - 5.0**0.5)
    flat = np.sqrt(1.0 - heights**2)
    around = np.stack([flat * np.cos(turns), flat * np.sin(turns), heights], axis=-1)
    for index, direction in enumerate(around):
        camera = add_camera(f"{index:02}", CENTRES[0] + DISTANCE * direction, CENTRES[0])
        path = cutout(tmp_path / f"{index:02}.png", _silhouette(camera))
        camera.data.background_images.new().image = bpy.data.images.load(str(path))
    settings = bpy.context.scene.lightkiln
    settings.method, settings.preset = "visual-hull", "draft"
    settings.finish.color = "VERTICES"
    bpy.ops.lightkiln.reconstruct()
    job = module("status").current.job
    pump_until(lambda: job.imported, seconds=120.0)

    (result,) = bpy.data.collections["Lightkiln"].objects
    points = np.array([result.matrix_world @ vertex.co for vertex in result.data.vertices])
    off = _signed_distance(points)
    assert np.abs(off).mean() < 0.3 * PIXEL
    assert off.min() > -PIXEL
    assert off.max() < 3.0 * PIXEL  # a hull is larger where no camera grazes the surface
    low = (CENTRES - RADII[:, None]).min(axis=0)
    high = (CENTRES + RADII[:, None]).max(axis=0)
    np.testing.assert_allclose(points.min(axis=0), low, atol=PIXEL)
    np.testing.assert_allclose(points.max(axis=0), high, atol=PIXEL)
