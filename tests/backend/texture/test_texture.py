# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked textures against surfaces whose colours are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.mesh.atlas import Atlas, rasterize_atlas
from lightkiln.mesh.rasterize import shade, shade_textured
from lightkiln.mesh.simplify import simplify
from lightkiln.mesh.unwrap import unwrap
from lightkiln.metrics.images import psnr
from lightkiln.ops.colors import linear_from_srgb, srgb_bytes, srgb_from_linear
from lightkiln.stereo.vertex_colors import colored
from lightkiln.texture.bake import bake, exposures
from lightkiln.texture.exposure import solve_gains
from lightkiln.texture.finish import cleaned, reduced, textured
from lightkiln_shared.camera import Camera
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh
from numpy.typing import NDArray
from synthetic import SyntheticScene, look_at

SIZE = 256
FACES = 2000
HELD_OUT = 4


class Baked:
    """The two balls of the synthetic scene, few triangles, unwrapped, and their texels."""

    def __init__(self, scene: SyntheticScene) -> None:
        self.views = load_inputs(*open_scene(scene.folder)).views
        self.low = simplify(scene.mesh, FACES)
        self.mesh, self.uvs = unwrap(self.low, SIZE)
        self.atlas: Atlas = rasterize_atlas(self.mesh.triangles, self.uvs, SIZE)
        self.points = self.atlas.interpolate(self.mesh.triangles, self.mesh.positions)

    def texels(self, views: tuple[LoadedView, ...]) -> NDArray[Any]:
        """Baked sRGB values in [0, 1] at the texels."""
        image = bake(self.mesh, self.uvs, views, SIZE)
        return np.asarray(image.reshape(-1, 3)[self.atlas.place] / 255.0)


@pytest.fixture(scope="module")
def baked(synthetic_scene: SyntheticScene) -> Baked:
    return Baked(synthetic_scene)


@pytest.fixture(scope="module")
def texels(baked: Baked) -> NDArray[Any]:
    return baked.texels(baked.views)


def error(texels: NDArray[Any], other: NDArray[Any]) -> float:
    """Root mean square, robust against the few at the neck of the balls."""
    distance = np.sort(((texels - other) ** 2).mean(axis=-1))
    return float(np.sqrt(distance[: int(0.97 * len(distance))].mean()))


def test_baked_colours_are_the_surfaces(baked: Baked, texels: NDArray[Any]) -> None:
    truth = srgb_from_linear(SyntheticScene.color(baked.points))
    assert error(texels, truth) < 0.035
    assert error(texels, np.full_like(truth, truth.mean())) > 0.1


def test_a_texture_shows_more_than_vertices_at_cameras_it_never_saw(baked: Baked) -> None:
    seen = tuple(view for i, view in enumerate(baked.views) if i % HELD_OUT)
    image = bake(baked.mesh, baked.uvs, seen, SIZE)
    made = TexturedMesh(mesh=baked.mesh, uvs=baked.uvs, base_color=image)
    gains = []
    for view in baked.views[::HELD_OUT]:
        assert view.mask is not None
        inside = view.mask > 0.99
        by_vertex, by_texel = (
            shade(colored(baked.low, seen), view.camera),
            shade_textured(made, view.camera),
        )
        gains.append(
            psnr(by_texel[..., :3], view.image, inside)
            - psnr(by_vertex[..., :3], view.image, inside)
        )
    assert np.mean(gains) > 1.5


def brighter(view: LoadedView, gain: NDArray[Any]) -> LoadedView:
    return replace(view, image=srgb_bytes(linear_from_srgb(view.image / 255.0) * gain))


def test_exposures_are_recovered_and_taken_out(baked: Baked, texels: NDArray[Any]) -> None:
    gains = np.exp(np.random.default_rng(4).uniform(-0.3, 0.3, size=(len(baked.views), 3)))
    gains /= np.exp(np.log(gains).mean(axis=0))
    views = tuple(brighter(v, g) for v, g in zip(baked.views, gains, strict=True))
    assert baked.mesh.normals is not None
    normals = baked.atlas.interpolate(baked.mesh.triangles, baked.mesh.normals)
    before = exposures(baked.mesh, baked.points, normals, baked.views)
    after = exposures(baked.mesh, baked.points, normals, views)
    np.testing.assert_allclose(after / before, gains, rtol=0.05)
    assert error(baked.texels(views), texels) < 0.025


@given(seed=st.integers(0, 10_000), num_views=st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_gains_are_exact_where_views_show_the_same(seed: int, num_views: int) -> None:
    rng = np.random.default_rng(seed)
    gains = np.exp(rng.uniform(-0.4, 0.4, size=(num_views, 3)))
    gains /= np.exp(np.log(gains).mean(axis=0))
    linear = rng.uniform(0.1, 0.5, size=(1, 400, 3)) * gains[:, None]
    weights = rng.uniform(0.2, 1.0, size=(num_views, 400))
    solved = solve_gains(255.0 * srgb_from_linear(linear), weights)
    np.testing.assert_allclose(solved, gains, rtol=0.01)


def test_views_that_share_nothing_keep_their_exposure() -> None:
    weights = np.kron(np.eye(3), np.ones(10))
    srgb = np.broadcast_to(np.array([40.0, 120.0, 200.0])[:, None, None], (3, 30, 3))
    np.testing.assert_array_equal(solve_gains(srgb, weights), np.ones((3, 3)))


def test_a_stain_in_one_view_is_left_out(baked: Baked, texels: NDArray[Any]) -> None:
    stained = baked.views[5].image.copy()
    stained[30:60, 30:60] = (255, 0, 255)
    views = (*baked.views[:5], replace(baked.views[5], image=stained), *baked.views[6:])
    difference = np.abs(baked.texels(views) - texels).max(axis=-1)
    # A third of the object in that view; where two views see a place, neither outvotes the other.
    assert np.mean(difference > 0.2) < 0.04


def squares() -> TriangleMesh:
    """A red square of 0.4 m, 0.5 m before a green one of 2 m; finely cut, so that both unwrap."""
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    positions = np.concatenate(
        [np.column_stack([corners * size, np.full(4, z)]) for size, z in ((1.0, 0.0), (0.2, 0.5))]
    )
    face = np.array([[0, 1, 2], [0, 2, 3]])
    colors = np.repeat([[0.05, 0.5, 0.05], [0.6, 0.02, 0.02]], 4, axis=0)
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=np.concatenate([face, face + 4]).astype(np.int32),
        colors=colors.astype(np.float32),
    )


def photographed(mesh: TriangleMesh, position: tuple[float, float, float]) -> LoadedView:
    camera = Camera(
        world_from_camera=look_at(np.array(position), np.zeros(3)),
        focal=(150.0, 150.0),
        principal_point=(64.0, 64.0),
        width=128,
        height=128,
    )
    picture = shade(mesh, camera, samples=3)
    return LoadedView(
        name="v", camera=camera, image=picture[..., :3], mask=picture[..., 3] / np.float32(255.0)
    )


def test_nothing_is_painted_with_what_stands_before_it() -> None:
    mesh = squares()
    views = [photographed(mesh, p) for p in ((0.1, 0.0, 3.0), (1.6, 0.2, 2.2), (-1.6, -0.2, 2.2))]
    unwrapped, uvs = unwrap(mesh, 128)
    image = bake(unwrapped, uvs, views, 128)
    atlas = rasterize_atlas(unwrapped.triangles, uvs, 128)
    is_front = atlas.triangle >= 2
    found = image.reshape(-1, 3)[atlas.place].astype(int)
    assert unwrapped.colors is not None
    red, green = srgb_bytes(np.array([[0.6, 0.02, 0.02], [0.05, 0.5, 0.05]]))
    assert np.abs(found[~is_front] - green).max() < 4
    assert np.median(np.abs(found[is_front] - red)) < 6


def test_the_side_that_nobody_sees_takes_the_colours_near_it(baked: Baked) -> None:
    texels = baked.texels(baked.views[:1])
    truth = srgb_from_linear(SyntheticScene.color(baked.points))
    low, high = np.quantile(truth, 0.001, axis=0), np.quantile(truth, 0.999, axis=0)
    assert ((texels > low - 0.1) & (texels < high + 0.1)).all(axis=-1).mean() > 0.97


def test_a_finished_mesh_has_what_was_asked_for(
    baked: Baked, synthetic_scene: SyntheticScene
) -> None:
    asked = Finish(texture=64, faces=500, fill_holes=True, keep_largest=True)
    whole = cleaned(synthetic_scene.mesh, asked)
    made = textured(reduced(whole, asked), whole, baked.views, asked)
    assert len(made.mesh.triangles) < 600
    assert made.base_color.shape == (64, 64, 3)
    assert made.normal_map is not None
    plain = replace(asked, normal_map=False)
    assert textured(reduced(whole, plain), whole, baked.views, plain).normal_map is None


def test_what_is_not_asked_for_is_not_done(synthetic_scene: SyntheticScene) -> None:
    mesh = synthetic_scene.mesh
    assert reduced(cleaned(mesh, Finish()), Finish()) is mesh
