# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras that are off come nearer to the truth; cameras that fit stay; nothing tells nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lightkiln.capture.adjusting import adjusted, glanced, sure_points
from lightkiln.capture.inputs import LoadedView
from lightkiln_shared.camera import Camera, project
from scipy.spatial.transform import Rotation
from still_life import BOXES, FOCAL, StillLife, around

NUM_VIEWS = 8


@pytest.fixture(scope="module")
def views() -> list[LoadedView]:
    things = StillLife()
    return [
        LoadedView(name=str(index), camera=camera, image=things.photograph(camera), mask=None)
        for index, camera in enumerate(around(NUM_VIEWS, turn=1.4))
    ]


def off(view: LoadedView, pixels: float, seed: int) -> LoadedView:
    """The view with its camera turned, by so many pixels about each axis (standard deviation)."""
    turn = np.random.default_rng(seed).normal(scale=pixels / FOCAL, size=3)
    pose = view.camera.world_from_camera.copy()
    pose[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ pose[:3, :3]
    return replace(view, camera=replace(view.camera, world_from_camera=pose))


def apart(one: list[Camera], other: list[Camera]) -> float:
    """How far the boxes' corners fall from each other, relative to the first box: mean, pixels.

    Differences of corners, so that a turn of the whole about the first counts little.
    """
    corners = np.array(BOXES).reshape(-1, 3)
    pixels = [
        np.stack([project(camera, corners)[0] for camera in cameras]) for cameras in (one, other)
    ]
    moved = pixels[0] - pixels[1]
    return float(np.linalg.norm(moved - moved.mean(axis=0), axis=-1).mean())


def test_cameras_that_are_two_pixels_off_come_near_the_truth(views: list[LoadedView]) -> None:
    wrong = [off(view, 2.0, index) for index, view in enumerate(views)]
    found = adjusted(wrong, glanced(wrong))
    assert found is not None
    assert found.cameras is not None
    assert found.before > 1.0
    assert found.after < 0.4
    true = [view.camera for view in views]
    before, after = apart([view.camera for view in wrong], true), apart(list(found.cameras), true)
    assert after < 0.35 * before


def test_cameras_that_fit_are_left_as_they_are(views: list[LoadedView]) -> None:
    assert adjusted(views, glanced(views)) is None


def test_what_mirrors_draws_no_camera_away(views: list[LoadedView]) -> None:
    """Each photograph shows its own part of the same pattern, as if it hung before the camera."""
    pattern = views[0].image
    seen = [
        replace(view, image=np.roll(pattern, (3 * index, -5 * index), axis=(0, 1)))
        for index, view in enumerate(views)
    ]
    found = adjusted(seen, glanced(seen))
    assert found is not None
    assert found.cameras is None


def test_adjusting_gives_the_same_every_time(views: list[LoadedView]) -> None:
    wrong = [off(view, 2.0, index) for index, view in enumerate(views)]
    first, second = adjusted(wrong, glanced(wrong)), adjusted(wrong, glanced(wrong))
    assert first is not None
    assert second is not None
    assert first.cameras is not None
    assert second.cameras is not None
    for one, other in zip(first.cameras, second.cameras, strict=True):
        np.testing.assert_array_equal(one.world_from_camera, other.world_from_camera)


def test_photographs_of_nothing_tell_nothing(views: list[LoadedView]) -> None:
    blank = [replace(view, image=np.full_like(view.image, 90)) for view in views]
    assert adjusted(blank, glanced(blank)) is None
    assert len(sure_points(blank, glanced(blank)).positions) == 0


def test_points_that_cameras_agree_upon_lie_on_the_things(views: list[LoadedView]) -> None:
    points = sure_points(views, glanced(views))
    assert len(points.positions) > 50
    assert points.confidence.min() > 0.75  # of a miss of less than half a pixel
    counts = np.bincount(points.seen[:, 0])
    assert counts.min() >= 3 and len(counts) == len(points.positions)
    assert points.seen[:, 1].max() < len(views)
    assert np.median(off_the_things(points.positions)) < 0.003


def off_the_things(points: np.ndarray) -> np.ndarray:
    """Metres from each point (n, 3) to the nearest box or the table's top."""
    distances = [np.abs(points[:, 2])]
    for low, high in np.array(BOXES):
        q = np.abs(points - (low + high) / 2.0) - (high - low) / 2.0
        outside = np.linalg.norm(np.maximum(q, 0.0), axis=1)
        distances.append(np.abs(outside + np.minimum(q.max(axis=1), 0.0)))
    return np.min(distances, axis=0)
