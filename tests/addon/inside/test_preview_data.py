# SPDX-License-Identifier: GPL-3.0-or-later
"""What the previews' arrays become in Blender: the edges that it would find, the picture whole."""

from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import gpu
import numpy as np
import pytest
from conftest import module
from mathutils import Matrix


def _edges_of(mesh: bpy.types.Mesh) -> set[tuple[int, ...]]:
    return {tuple(sorted(edge.vertices)) for edge in mesh.edges}


def test_edges_that_are_brought_along_are_the_ones_that_blender_would_find() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 60, (400, 3)).astype(np.int32)  # some corners coincide
    edges = module("edges")
    triangles = np.unique(np.sort(edges.without_collapsed(drawn), axis=1), axis=0)
    assert len(triangles) < len(drawn)
    source = module("shared.geometry").TriangleMesh(
        positions=rng.random((60, 3), dtype=np.float32), triangles=triangles
    )
    build = module("coloured_mesh").build
    found, brought = bpy.data.meshes.new("found"), bpy.data.meshes.new("brought")
    module("coloured_mesh").finish(build(found, source))
    module("coloured_mesh").finish(build(brought, source, edges.edges_of(triangles)))
    assert not brought.validate(verbose=True)
    assert _edges_of(brought) == _edges_of(found)
    corners = np.empty(3 * len(triangles), dtype=np.int32)
    brought.attributes[".corner_edge"].data.foreach_get("value", corners)
    for corner, edge in enumerate(corners):
        ends = triangles[corner // 3, corner % 3], triangles[corner // 3, (corner + 1) % 3]
        assert set(brought.edges[edge].vertices) == set(map(int, ends))


@pytest.fixture
def graphics() -> None:
    try:
        gpu.init()
    except (AttributeError, SystemError) as reason:
        pytest.skip(f"this Blender has no graphics without a window: {reason}")


def _uploaded(texels: np.ndarray) -> object:
    """The upload of a picture (H, W, 4), after as many draws as it takes."""
    newest = SimpleNamespace(texels=texels)
    upload = module("preview_texture").Upload()
    for _ in range(10):
        upload.go_on(newest)
        if not upload.is_unfinished:
            break
    start = time.perf_counter()
    upload.go_on(newest)  # nothing is left to do
    assert time.perf_counter() - start < module("preview_texture").BUDGET
    return upload


def test_a_large_picture_is_whole_after_a_few_draws_of_some_milliseconds(graphics: None) -> None:
    texels = np.random.default_rng(0).random((720, 1280, 4), dtype=np.float32)
    upload = _uploaded(texels)
    rows = [np.array(texture.read()).reshape(-1, 1280, 4) for texture in upload.shown.textures]
    assert len(rows) > 1
    np.testing.assert_array_equal(np.concatenate(rows), texels)


def test_its_bands_are_drawn_one_below_the_other(graphics: None) -> None:
    """A picture of as many pixels as the region comes out as it is, rows counted from below."""
    width, height = 1280, 720
    texels = np.ones((height, width, 4), dtype=np.float32)
    texels[..., 0] = np.linspace(0.0, 1.0, height)[:, None]
    texels[..., 1] = np.linspace(0.0, 1.0, width)
    upload = _uploaded(texels)
    screen = gpu.types.GPUOffScreen(width, height)
    with screen.bind():
        buffer = gpu.state.active_framebuffer_get()
        buffer.clear(color=(0.0, 0.0, 0.0, 1.0))
        gpu.matrix.load_matrix(Matrix.Identity(4))
        to_clip = Matrix.Diagonal((2.0 / width, 2.0 / height, 1.0, 1.0))
        gpu.matrix.load_projection_matrix(Matrix.Translation((-1.0, -1.0, 0.0)) @ to_clip)
        upload.shown.draw(SimpleNamespace(width=width, height=height), 1.0)
        drawn = buffer.read_color(0, 0, width, height, 4, 0, "FLOAT")
    drawn = np.array(drawn.to_list(), dtype=np.float32).reshape(height, width, 4)[::-1]
    np.testing.assert_allclose(drawn, texels, atol=2.0 / 255.0)
