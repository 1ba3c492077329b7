# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes from pictures: frames, networks in closed form, lessons, shipped weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned import course, weights
from lightkiln.learned.pictures import answers, augmented, frames, scores
from lightkiln.learned.pictures import material as materials
from lightkiln.learned.pictures.baselines import mean_shape, nearest_by_pixels
from lightkiln.learned.pictures.material import Material, drawn, every, material
from lightkiln.learned.pictures.occupancy_lesson import OccupancyLesson
from lightkiln.learned.pictures.occupancy_lesson import asked as occupancy_asked
from lightkiln.learned.pictures.occupancy_network import ConditionalNorm, OccupancyNetwork
from lightkiln.learned.pictures.pifu import Pifu, projected, sampled
from lightkiln.learned.pictures.pifu_lesson import PifuLesson
from lightkiln.learned.pictures.pifu_lesson import asked as pifu_asked
from lightkiln.learned.pictures.r2n2_lesson import R2n2Lesson
from lightkiln.learned.world import plan, shards
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.samples import Amounts, camera_of, samples
from lightkiln.learned.world.things import centres, thing
from lightkiln.mesh.rasterize import shade
from lightkiln.methods import occupancy_network, pifu
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.occupancy_network.infer import reconstruct as by_code
from lightkiln.methods.pifu.infer import reconstruct as by_pixels
from lightkiln.metrics.voxels import iou
from lightkiln.training.processes import Group
from lightkiln_shared.camera import project
from lightkiln_shared.errors import InvalidWeights, JobCancelled
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from scipy.ndimage import map_coordinates
from trimesh import Trimesh

CPU = torch.device("cpu")
SIZES = {
    OccupancyLesson: {"code": 16, "width": 16, "channels": 8},
    PifuLesson: {"channels": 8, "width": 16},
    R2n2Lesson: {"pixels": 32, "width": 6, "features": 8, "hidden": 4, "decoder": 8},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of twenty things."""
    made = tmp_path_factory.mktemp("world")
    amounts = Amounts(views=2, pixels=32, places=256, surface=128)
    made_of = plan.Plan(families=("bottle", "mug"), count=10, amounts=amounts)
    shards.make(made, made_of, lambda done, total: None, workers=1)
    return made


@cache
def fresh() -> Material:
    """Things of numbers that no dataset of ours reaches, one of each family."""
    amounts = Amounts(views=4, pixels=64, places=64, surface=256)
    each = [samples(thing(family, 1000 + n), amounts) for n, family in enumerate(FAMILIES)]
    columns = {name: np.stack([one[name] for one in each]) for name in each[0]}
    return material(shards.Things(**columns, family=np.arange(len(each))))


# Frames


def test_a_turned_thing_and_its_picture_are_the_same_to_a_network() -> None:
    mesh, angle = thing("chair", 1000).mesh, np.array([0.7])
    turned = TriangleMesh(
        positions=frames.turned_back(mesh.positions[None], angle)[0].astype(np.float32),
        triangles=mesh.triangles,
        normals=frames.turned_back(mesh.normals[None], angle)[0].astype(np.float32),
        colors=mesh.colors,
    )
    first = shade(mesh, camera_of(np.array([0.3, 0.2]), 32), lit=True).astype(int)
    second = shade(turned, camera_of(np.array([1.0, 0.2]), 32), lit=True).astype(int)
    assert np.abs(first - second).mean() < 0.2
    here = frames.facing(mesh.positions[None], np.array([0.3]))
    there = frames.facing(turned.positions[None], np.array([1.0]))
    np.testing.assert_allclose(here, there, atol=1e-5)


def test_a_camera_stands_before_what_faces_it() -> None:
    camera = camera_of(np.array([2.1, 0.4]), 64)
    x, y, _ = frames.facing(camera.centre[None, None], np.array([2.1]))[0, 0]
    assert abs(x) < 1e-9
    assert y < 0.0


def test_points_fall_where_the_camera_puts_them() -> None:
    camera, seen = camera_of(np.array([0.4, 0.3]), 64), np.array([30.0, 35.0, 40.0])
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 3))
    pixels, depth = project(camera, x)
    matrix = torch.from_numpy(frames.projection(camera, seen)).float()
    places, relative, shown = projected(matrix[None, None], torch.from_numpy(x).float()[None])
    expected = (pixels - seen[:2]) / (0.5 * seen[2])
    np.testing.assert_allclose(places[0, 0].numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(
        relative[0, 0].numpy(), depth - np.linalg.norm(camera.centre), atol=1e-4
    )
    np.testing.assert_array_equal(shown[0, 0].numpy(), (np.abs(expected) <= 1.0).all(axis=1))


def test_a_guess_that_is_true_gives_the_camera() -> None:
    seen = np.array([30.0, 35.0, 50.0])
    guess = frames.guess_of(np.array(0.3), seen, frames.VIEW)
    true = frames.projection(camera_of(np.array([0.0, 0.3]), frames.VIEW), seen)
    np.testing.assert_allclose(frames.guessed_projection(guess), true, atol=1e-9)


def test_surfaces_lie_on_pictures_mirrored_or_not() -> None:
    draw = np.random.default_rng(0)
    chosen = drawn(fresh(), draw, 12, views=3)
    assert 0 < chosen.mirrored.sum() < 12
    windows = materials.windows_of(fresh(), chosen)
    windows = augmented.jittered(windows.reshape(-1, 3), draw).reshape(windows.shape)
    pictures = materials.pictures_of(fresh(), chosen, windows)
    cameras = torch.from_numpy(materials.cameras_of(fresh(), chosen, windows))
    x, _ = materials.surface_of(fresh(), chosen, draw, 100)
    alpha = sampled(pictures[:, :, 3:], projected(cameras, torch.from_numpy(x))[0])
    hit = (alpha[:, :, :, 0] > 0.02).float().mean(dim=(1, 2)).numpy()
    assert hit.min() > 0.95
    assert abs(hit[chosen.mirrored].mean() - hit[~chosen.mirrored].mean()) < 0.02


# Networks


def test_features_are_sampled_as_scipy_does() -> None:
    draw = np.random.default_rng(0)
    features = draw.standard_normal((1, 2, 3, 16, 16)).astype(np.float32)
    places = draw.uniform(-0.9, 0.9, (1, 2, 40, 2)).astype(np.float32)
    found = sampled(torch.from_numpy(features), torch.from_numpy(places)).numpy()
    at = (places + 1.0) * 8.0 - 0.5
    for view in range(2):
        for channel in range(3):
            expected = map_coordinates(
                features[0, view, channel], [at[0, view, :, 1], at[0, view, :, 0]], order=1
            )
            np.testing.assert_allclose(found[0, view, :, channel], expected, atol=1e-4)


def test_the_conditional_norm_is_the_papers() -> None:
    torch.manual_seed(0)
    norm = ConditionalNorm(5, 7)
    torch.nn.init.normal_(norm.gain.weight)
    torch.nn.init.normal_(norm.offset.weight)
    x, code = torch.randn(3, 11, 5), torch.randn(3, 7)
    mean, variance = x.mean(dim=(0, 1)), x.var(dim=(0, 1), unbiased=False)
    gain = code @ norm.gain.weight.T + norm.gain.bias
    offset = code @ norm.offset.weight.T + norm.offset.bias
    expected = gain[:, None] * (x - mean) / (variance + 1e-5).sqrt() + offset[:, None]
    torch.testing.assert_close(norm(x, code), expected)


def test_a_point_outside_a_picture_is_outside() -> None:
    torch.manual_seed(0)
    network = Pifu(channels=8, width=16).eval()
    camera = frames.projection(camera_of(np.array([0.0, 0.0]), 64), np.array([32.0, 32.0, 8.0]))
    x = np.array([[0.0, 0.0, 0.0], [0.9, 0.0, 0.0], [0.0, 0.0, 0.9], [0.0, -9.0, 0.0]], np.float32)
    answer = answers.PifuAnswer(network, np.zeros((1, 4, 64, 64), np.float32), camera[None])
    assert list(answer.logits(x) > -11.0) == [True, False, False, False]


def test_the_order_of_views_does_not_matter() -> None:
    torch.manual_seed(0)
    network, chosen = Pifu(channels=8, width=16).eval(), every(fresh(), 3)
    windows = materials.windows_of(fresh(), chosen)
    pictures = materials.pictures_of(fresh(), chosen, windows)[0].numpy()
    cameras = materials.cameras_of(fresh(), chosen, windows)[0]
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (64, 3)).astype(np.float32)
    there = answers.PifuAnswer(network, pictures, cameras).logits(x)
    back = answers.PifuAnswer(network, pictures[::-1].copy(), cameras[::-1].copy()).logits(x)
    np.testing.assert_allclose(there, back, atol=0.02)  # 16-bit numbers
    one = answers.PifuAnswer(network, pictures[:1], cameras[:1]).logits(x)
    assert np.abs(one - there).max() > 1e-4


# Lessons


@pytest.mark.parametrize("kind", [OccupancyLesson, PifuLesson, R2n2Lesson])
def test_a_lesson_goes_on_where_it_was_bit_for_bit(kind: Any, folder: Path, tmp_path: Path) -> None:
    lesson = a_lesson(kind, folder)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    taught(lesson, whole, 6)
    taught(lesson, broken, 3)
    taught(lesson, broken, 6)
    states = [course.load_file(each / course.STATE) for each in (whole, broken)]
    for name in (n for n in states[0] if n != "place"):
        torch.testing.assert_close(states[0][name], states[1][name], rtol=0, atol=0)


@pytest.mark.parametrize("kind", [OccupancyLesson, PifuLesson, R2n2Lesson])
def test_a_lesson_teaches(kind: Any, folder: Path, tmp_path: Path) -> None:
    lesson = a_lesson(kind, folder)
    file = taught(lesson, tmp_path, 100)
    curve = json.loads((tmp_path / course.CURVE).read_text())
    assert curve[-1]["loss"] < 0.95 * curve[0]["loss"]
    assert next(iter(weights.about(file, "any").figures)) == "iou"


def a_lesson(kind: Any, folder: Path) -> Any:
    parts = (shards.things(folder, split) for split in (plan.Split.TRAIN, plan.Split.TEST))
    return kind(*parts, SIZES[kind])


def taught(lesson: Any, into: Path, steps: int) -> Path:
    # Rates follow the time that is over: of a very long course it is none, bit for bit.
    recipe = course.Recipe(steps=10**9, minutes=1e12, batch=4, judged_every=40)
    about, group = weights.About(method="any", world="a test's"), Group(0, 1, CPU)
    whole = course.Course(lesson, about, into_folder(into), recipe, group)
    for batch in whole.batches():
        if whole.pupil.step >= steps:
            break
        whole.learn(batch)
        if whole.pupil.step % recipe.judged_every == 0:
            whole.judge()
    whole.judge()
    return into / course.FILE


def into_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


# What is shipped

MEAN_TRAINING_SHAPE = 0.202
"""IoU with `fresh` of the mean of the 1,080 things that were taught (`baselines.mean_shape`, at the
threshold that suits it best); measured once, for the dataset takes minutes to make."""


def mean_iou(asked: scores.Asked, threshold: float, views: int = 1) -> float:
    chance, truth = scores.chances(fresh(), every(fresh(), views), asked)
    return float(iou(chance > threshold, truth).mean())


@cache
def built_in(method: str) -> answers.Opened:
    return answers.opened(method, "", CPU)


def test_the_occupancy_network_beats_the_mean_shape() -> None:
    opened = built_in(answers.OCCUPANCY)
    found = mean_iou(occupancy_asked(opened.network, fresh()), opened.threshold)
    assert found > MEAN_TRAINING_SHAPE + 0.1


def test_pifu_beats_the_mean_shape_and_more_pictures_help() -> None:
    opened = built_in(answers.PIFU)
    one = mean_iou(pifu_asked(opened.network, fresh(), guessed=True), opened.threshold)
    four = mean_iou(pifu_asked(opened.network, fresh()), opened.threshold, views=4)
    assert one > MEAN_TRAINING_SHAPE + 0.1
    assert four > one


def test_the_mean_of_things_is_no_good_shape() -> None:
    chance, truth = scores.chances(fresh(), every(fresh()), mean_shape(fresh()))
    assert 0.15 < scores.best_threshold(chance, truth)[1] < 0.35


def test_the_nearest_picture_of_a_known_thing_is_its_own() -> None:
    assert mean_iou(nearest_by_pixels(fresh(), fresh()), 0.5) > 0.9


def test_pifu_follows_the_pixels() -> None:
    """A picture moved aside gives a shape moved aside: no code of the whole could do that."""
    network, pixels = built_in(answers.PIFU).network, 6
    seen, chosen = fresh(), every(fresh())
    windows = materials.windows_of(seen, chosen)
    cameras = materials.cameras_of(seen, chosen, windows)
    pictures = materials.pictures_of(seen, chosen, windows).numpy()[:, 0]
    shares = []
    for picture, camera in zip(pictures, cameras, strict=True):
        x = centres(16).astype(np.float32)
        moved = x.copy()
        depth = x @ camera[0, 2, :3] + camera[0, 2, 3]
        moved[:, 0] += 2.0 * pixels / 64 * depth / camera[0, 0, 0]
        before = answers.PifuAnswer(network, picture[None], camera).logits(x) > 0.0
        after = answers.PifuAnswer(network, np.roll(picture, pixels, axis=-1)[None], camera)
        with_it, without = after.logits(moved) > 0.0, after.logits(x) > 0.0
        shares.append([float(iou(before[None], each[None])[0]) for each in (with_it, without)])
    following, staying = np.mean(shares, axis=0)
    assert following > staying + 0.15


METHODS = [
    pytest.param(by_code, occupancy_network.Params, id="occupancy-network"),
    pytest.param(by_pixels, pifu.Params, id="pifu"),
]


def region() -> Region:
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = 5.0
    return Region(shape=RegionShape.BOX, world_from_region=matrix)


class Cancelled(DetachedRun):
    """A run that is cancelled after its first step."""

    def steps(self, count: int) -> Iterator[int]:
        for step in super().steps(count):
            if step == 1:
                raise JobCancelled("cancelled")
            yield step


@pytest.mark.parametrize(("reconstruct", "kind"), METHODS)
def test_a_photograph_becomes_a_solid_in_its_region(reconstruct: Callable, kind: type) -> None:
    run, image = DetachedRun(), fresh().things.views[list(FAMILIES).index("car"), 0]
    mesh = reconstruct(
        LearnedInputs(region=region(), images=(image,)), kind(resolution=64, faces=3000), run
    )
    assert Trimesh(mesh.positions, mesh.triangles, process=False).volume > 0.1
    assert len(mesh.triangles) <= 3000
    assert np.abs(mesh.positions - 5.0).max() == pytest.approx(1.8, abs=0.05)
    assert mesh.colors is not None
    assert 0.0 <= mesh.colors.min() <= mesh.colors.max() <= 1.0
    assert 0.0 < run.metrics[-1]["confidence"] <= 1.0
    assert not run.warnings


@pytest.mark.parametrize(("reconstruct", "kind"), METHODS)
def test_a_cancel_is_heard_and_other_weights_are_refused(reconstruct: Callable, kind: type) -> None:
    inputs = LearnedInputs(region=region(), images=(fresh().things.views[0, 0],))
    with pytest.raises(JobCancelled):
        reconstruct(inputs, kind(), Cancelled())
    other = answers.PIFU if reconstruct is by_code else answers.OCCUPANCY
    with pytest.raises(InvalidWeights, match=other):
        reconstruct(inputs, kind(weights=str(answers.built_in(other))), DetachedRun())


def test_networks_of_another_size_can_be_opened(tmp_path: Path) -> None:
    size = SIZES[OccupancyLesson]
    about = weights.About(method=answers.OCCUPANCY, world="none", size=size)
    weights.save(OccupancyNetwork(**size), about, tmp_path / "small.safetensors")
    opened = answers.opened(answers.OCCUPANCY, str(tmp_path / "small.safetensors"), CPU)
    assert opened.threshold == answers.THRESHOLD
