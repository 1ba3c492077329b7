# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned shapes in the panel, against a real backend: what is offered, refused and imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module


@pytest.fixture
def shape(pump_until: Callable[..., None]) -> bpy.types.PropertyGroup:
    """The settings, with a backend that has learned shapes."""
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.shapers)
    return bpy.context.scene.lightkiln.shape


def _reason() -> str:
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.lightkiln.shape()
    return str(caught.value)


def test_they_are_offered_apart_from_what_needs_cameras(shape: bpy.types.PropertyGroup) -> None:
    current = module("status").current
    assert {"pifu", "occupancy-network", "deepsdf", "vae3d"} <= set(current.shapers)
    assert not set(current.shapers) & {*current.methods, *current.writers}


def test_a_seed_becomes_a_mesh_at_the_cursor(
    shape: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    shape.method, shape.seed, shape.size = "vae3d", 7, 0.5
    assert bpy.ops.lightkiln.shape() == {"FINISHED"}
    job = module("status").current.job
    pump_until(lambda: job.imported)
    made = bpy.data.objects[job.imported_as]
    bpy.context.view_layer.update()
    corners = np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])
    assert np.allclose(made.location, (1.0, 2.0, 3.0))
    middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    assert np.abs(middle - (1.0, 2.0, 3.0)).max() < 0.1
    assert 0.2 < np.ptp(corners, axis=0).max() <= 0.51


def test_what_is_missing_is_said_before_anything_is_sent(
    shape: bpy.types.PropertyGroup, tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    shape.method = "pifu"
    assert "Choose the photograph" in _reason()
    shape.method = "deepsdf"
    assert "Choose the points" in _reason()
    shape.method, shape.picture = "pifu", str(tmp_path / "gone.png")
    assert bpy.ops.lightkiln.shape() == {"FINISHED"}
    job = module("status").current.job
    pump_until(lambda: job.is_over)
    assert "is not there" in job.reason
