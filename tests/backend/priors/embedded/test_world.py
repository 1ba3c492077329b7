# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in world: its things, their places and their pictures, held to closed forms."""

import numpy as np
import pytest
from lightkiln.priors.embedded import vocabulary
from lightkiln.priors.embedded.light import AMBIENT, DIFFUSE, LAMP
from lightkiln.priors.embedded.manifest import DISTANCE, FOV
from lightkiln.priors.embedded.meshes import mesh_of
from lightkiln.priors.embedded.paint import RGB
from lightkiln.priors.embedded.pictures import drawn, drawn_sentence, is_held_out, taught_sentence
from lightkiln.priors.embedded.renders import camera_axes, render
from lightkiln.priors.embedded.scenery import arranged, distance
from lightkiln.priors.embedded.sentence import Sentence, Thing, read
from lightkiln.priors.embedded.shapes import SHAPES
from lightkiln.priors.manifest import Style

of_every_shape = pytest.mark.parametrize("name", vocabulary.SHAPES)


def test_every_shape_has_a_form_and_every_colour_a_value() -> None:
    assert tuple(SHAPES) == vocabulary.SHAPES
    assert tuple(RGB) == vocabulary.COLORS
    assert np.linalg.norm(LAMP) == pytest.approx(1.0, abs=1e-4)


@of_every_shape
def test_a_distance_never_promises_more_room_than_there_is(name: str) -> None:
    draw = np.random.default_rng(0)
    x, y = draw.uniform(-1.0, 1.3, (2, 1000, 3))
    f, g = SHAPES[name].distance(x), SHAPES[name].distance(y)
    assert (np.abs(f - g) <= np.linalg.norm(x - y, axis=1) + 1e-9).all()


@of_every_shape
def test_a_shape_fills_its_cylinder_and_no_more(name: str) -> None:
    shape = SHAPES[name]
    axis = np.linspace(-1.2, 1.4, 66)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = x[shape.distance(x) < 0.0]
    radius, height = np.hypot(inside[:, 0], inside[:, 1]).max(), inside[:, 2].max()
    assert shape.radius - 0.1 < radius <= 1.07 * shape.radius
    assert shape.height - 0.1 < height <= shape.height + 0.01
    assert -1e-9 <= inside[:, 2].min() < 0.05


@of_every_shape
def test_its_triangles_lie_on_it_and_face_outwards(name: str) -> None:
    mesh, shape = mesh_of(name), SHAPES[name]
    corners = mesh.positions[mesh.triangles].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middles = corners.mean(axis=1)
    size = 0.5 * np.linalg.norm(normals, axis=1)
    each = np.min([np.abs(part.body(middles)) for part in shape.parts], axis=0)
    assert np.average(each, weights=size) < 0.004
    assert np.quantile(each, 0.98) < 0.015
    agree = (mesh.normals.mean(axis=1) * normals).sum(axis=-1) > 0.0
    assert np.average(agree, weights=size) > 0.999


def test_a_scene_fills_the_ball_whatever_is_said() -> None:
    draw = np.random.default_rng(1)
    axis = np.linspace(-1.1, 1.1, 34)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    for _ in range(30):
        inside = x[distance(arranged(drawn_sentence(draw), draw), x) < 0.0]
        assert 0.3 < np.linalg.norm(inside, axis=1).max() < 1.0


@pytest.mark.parametrize("shape", ["cube", "sphere", "torus", "chair"])
@pytest.mark.parametrize("relation", vocabulary.RELATIONS)
def test_relations_mean_what_they_say(shape: str, relation: str) -> None:
    second = Thing(shape="bowl", color="red")
    sentence = Sentence(first=Thing(shape=shape, color="blue"), relation=relation, second=second)
    a, b = arranged(sentence)
    top = b.place[2] + b.shape.height * b.stretch[2]
    across = np.hypot(*(a.place - b.place)[:2])
    if relation == "on":
        assert a.place[2] == pytest.approx(top, abs=0.05)
        assert across < 1e-9
    elif relation == "inside":
        assert a.shape.radius * a.stretch[0] < b.shape.radius * b.stretch[0]
        assert a.place[2] < top < a.place[2] + a.shape.height * a.stretch[2] + 0.2
        assert across < 1e-9
    elif relation == "beside":
        assert a.place[0] < b.place[0]
        assert a.place[2] == pytest.approx(b.place[2])
        assert across > 0.8 * (a.shape.radius * a.stretch[0] + b.shape.radius * b.stretch[0])
    else:
        assert b.place[0] > a.place[0]
        assert b.place[1] < a.place[1]
        assert b.stretch[0] < a.stretch[0]


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.3, 0.3), (1.1, -0.1), (4.0, 0.9)])
def test_outlines_are_those_of_the_distances(azimuth: float, elevation: float) -> None:
    sentence, _ = read("a big mug on a small table")
    size = 128
    alpha = render(arranged(sentence), azimuth, elevation, Style.ALBEDO, size)[..., 3] / 255.0
    axes = camera_axes(azimuth, elevation)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert axes[1, 2] > 0.0
    steps = np.tan(0.5 * FOV) * (2.0 * (np.arange(size) + 0.5) / size - 1.0)
    across, down = np.meshgrid(steps, steps)
    rays = across[..., None] * axes[0] - down[..., None] * axes[1] - axes[2]
    rays = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).reshape(-1, 3)
    nearest, t = np.full(len(rays), np.inf), np.full(len(rays), DISTANCE - 1.0)
    for _ in range(120):  # sphere tracing (Hart 1996)
        f = distance(arranged(sentence), DISTANCE * axes[2] + t[:, None] * rays)
        nearest, t = np.minimum(nearest, f), t + np.maximum(f, 2e-3)
    hit = (nearest < 0.0).reshape(size, size)
    sure = (alpha == 0.0) | (alpha == 1.0)
    assert (hit != alpha)[sure].mean() < 0.002
    assert 0.95 < hit.sum() / alpha.sum() < 1.05


def test_a_ball_is_lit_as_the_formula_says() -> None:
    scenery = arranged(Sentence(first=Thing(shape="sphere", color="red")))
    azimuth, elevation = 2.0, 0.4
    picture = {style: render(scenery, azimuth, elevation, style) / 255.0 for style in Style}
    seen = picture[Style.ALBEDO][..., 3] == 1.0
    np.testing.assert_allclose(
        picture[Style.ALBEDO][seen][:, :3], [RGB["red"]] * seen.sum(), atol=0.01
    )
    n = 2.0 * picture[Style.TEXTURELESS][seen][:, :3] - 1.0
    lit = np.maximum(n @ np.array(LAMP), 0.0)
    expected = (AMBIENT + DIFFUSE * lit)[:, None] * np.array(RGB["red"])
    assert np.abs(picture[Style.SHADED][seen][:, :3] - expected).mean() < 0.01
    middle = n[np.abs(n[:, :2]).max(axis=1) < 0.15]
    assert len(middle) > 0
    assert (middle[:, 2] > 0.95).all()
    assert np.quantile(np.abs(np.linalg.norm(n, axis=1) - 1.0), 0.98) < 0.02


def test_one_seed_shows_the_same_and_never_what_is_held_out() -> None:
    first, second, other = drawn((5, 1), 4), drawn((5, 1), 4), drawn((5, 2), 4)
    np.testing.assert_array_equal(first.pictures, second.pictures)
    assert (first.pictures != other.pictures).any()
    draw = np.random.default_rng(0)
    held_out = [is_held_out(drawn_sentence(draw)) for _ in range(1000)]
    assert 0.1 < np.mean(held_out) < 0.35
    assert not any(is_held_out(taught_sentence(draw)) for _ in range(300))
