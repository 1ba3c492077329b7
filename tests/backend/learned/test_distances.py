# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepSDF: its formulae, its lesson, and what the shipped weights make of unseen things."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned import weights
from lightkiln.learned.course import Course, Recipe
from lightkiln.learned.distances import fitting, network, pointset, surface
from lightkiln.learned.distances.lesson import DistanceLesson, drawn, halves
from lightkiln.learned.world import plan, shards
from lightkiln.learned.world.samples import Amounts
from lightkiln.learned.world.things import LONGEST, Thing, thing
from lightkiln.mesh.clean import parts
from lightkiln.methods.deepsdf import Params, infer
from lightkiln.methods.detached import DetachedRun
from lightkiln.metrics.closest import sample
from lightkiln.metrics.surface import evaluate
from lightkiln.training.processes import Group
from lightkiln_shared.errors import InvalidScene, JobCancelled, UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

SMALL = {"code": 16, "width": 32, "layers": 4}
ALONE = Group(0, 1, torch.device("cpu"))
ABOUT = weights.About(method="deepsdf", world="a test")
CUBE = Region(shape=RegionShape.BOX, world_from_region=np.diag([0.9, 0.9, 0.9, 1.0]))
"""Where the things of the world stand."""
QUICK = Params(steps=100, resolution=64, faces=20_000)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    amounts = Amounts(views=1, pixels=16, places=512, surface=128)
    made_of = plan.Plan(families=("table", "lamp"), count=10, amounts=amounts)
    shards.make(folder, made_of, lambda done, total: None, workers=1)
    return folder


def lesson_on(folder: Path) -> DistanceLesson:
    taught, kept = (
        shards.things(folder, split) for split in (plan.Split.TRAIN, plan.Split.VALIDATION)
    )
    return DistanceLesson(taught, kept, 2, SMALL)


# --- formulae ---


def test_the_clamp_cuts_at_a_tenth_and_has_no_slope_beyond() -> None:
    distance = torch.tensor([-0.5, -0.05, 0.0, 0.02, 0.3], requires_grad=True)
    clamped = fitting.clamped(distance)
    clamped.sum().backward()
    assert clamped.detach() == pytest.approx([-0.1, -0.05, 0.0, 0.02, 0.1])
    assert distance.grad is not None
    assert distance.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_errors_are_those_of_the_paper_and_without_a_sign_those_of_lengths() -> None:
    found = torch.tensor([[-0.05, 0.4]])
    seen = fitting.Seen(torch.zeros(1, 2, 3), torch.tensor([[0.05, 0.2]]))
    assert fitting.errors(found, seen) == pytest.approx([0.05])
    unsigned = seen._replace(is_signed=torch.tensor([[False, False]]))
    assert fitting.errors(found, unsigned) == pytest.approx([0.0])


def test_half_of_what_is_drawn_is_inside_even_where_hardly_anything_is() -> None:
    distances = np.full((3, 50), 0.2)
    distances[0, 7] = distances[1, :40] = distances[2, 20:] = -0.2
    which = drawn(*halves(distances), 16, np.random.default_rng(0))
    assert (np.take_along_axis(distances, which, axis=1) < 0.0).sum(axis=1).tolist() == [8, 8, 8]


@pytest.mark.parametrize("all_are", [-0.2, 0.2])
def test_shapes_without_an_inside_or_an_outside_are_refused(all_are: float) -> None:
    with pytest.raises(UserError, match="1 shapes have no places inside, or none outside"):
        halves(np.array([[-0.1, 0.1], [all_are, all_are]]))


def test_a_network_that_says_all_is_outside_learns_only_from_places_inside() -> None:
    """The trap for which half of the places are inside."""
    far = torch.full((1, 8), 0.5, requires_grad=True)
    outside, inside = (
        fitting.Seen(torch.zeros(1, 8, 3), torch.full((1, 8), s)) for s in (0.3, -0.3)
    )
    fitting.errors(far, outside).sum().backward()
    assert far.grad is not None and not far.grad.any()
    near = torch.full((1, 8), 0.09, requires_grad=True)
    fitting.errors(near, inside).sum().backward()
    assert near.grad is not None and (near.grad > 0.0).all()


def test_a_moved_shape_is_the_same_shape_elsewhere() -> None:
    torch.manual_seed(0)
    known = network.AutoDecoder(4, 1, **SMALL)
    code, x = torch.randn(1, 16), torch.rand(1, 20, 3)
    still, moved = torch.zeros(1, 5), torch.tensor([[0.1, -0.2, 0.05, math.log(2.0), math.pi / 2]])
    there = (x - moved[:, None, :3]) @ torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) * 2.0
    assert torch.allclose(
        fitting.distances(known, code, moved, x),
        fitting.distances(known, code, still, there) / 2.0,
        atol=1e-5,
    )


def test_the_prior_is_that_of_the_codes_taught() -> None:
    torch.manual_seed(0)
    known = network.AutoDecoder(500, 1, **SMALL)
    mean, root = known.prior()
    codes = known.codes.weight.detach()
    assert torch.allclose(mean, codes.mean(dim=0))
    assert torch.allclose(root @ root.T, torch.cov(codes.T, correction=0), atol=1e-3)


def test_codes_to_begin_with_have_the_papers_scale_and_like_shapes_are_near() -> None:
    rows = torch.tensor(np.random.default_rng(0).random((6, 40)), dtype=torch.float32)
    rows[1] = rows[0] + 0.01
    codes = network.starting_codes(rows, 16)
    assert float(codes.square().sum(dim=1).mean()) == pytest.approx(1.0, rel=1e-4)
    gaps = torch.cdist(codes, codes)
    assert gaps[0, 1] < 0.2 * gaps[0, 2:].min()


def test_between_two_codes_lies_their_mean() -> None:
    a, b = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.0])
    assert network.codes_between(a, b, 3).tolist() == [[0.0, 2.0], [0.5, 1.0], [1.0, 0.0]]


def test_a_ball_is_closed_and_seen_from_outside() -> None:
    mesh = surface.surface_of(lambda x: x.norm(dim=-1) - 0.6, 100)
    assert np.linalg.norm(mesh.positions, axis=1) == pytest.approx(0.6, abs=2e-3)
    is_closed_and_outward(mesh, 4.0 / 3.0 * math.pi * 0.6**3)


def test_what_reaches_beyond_the_cube_is_closed_at_its_faces() -> None:
    mesh = surface.surface_of(lambda x: x[:, :2].norm(dim=-1) - 0.5, 48)
    is_closed_and_outward(mesh, 2.0 * math.pi * 0.5**2)


def is_closed_and_outward(mesh: TriangleMesh, volume: float | None = None) -> None:
    """Every edge is met once in each direction; the volume is positive (and so large)."""
    t = mesh.triangles.astype(np.int64)
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    there, back = (np.sort(edges @ (np.array([1, len(mesh.positions)])[::k])) for k in (1, -1))
    assert (there == back).all()
    a, b, c = (mesh.positions[mesh.triangles[:, k]].astype(np.float64) for k in range(3))
    found = float((np.cross(a, b) * c).sum() / 6.0)
    assert found > 0.0
    assert volume is None or found == pytest.approx(volume, rel=0.05)


# --- points ---


def test_a_frame_leads_there_and_back() -> None:
    points = np.random.default_rng(0).normal(size=(100, 3)) * [3.0, 1.0, 2.0] + [100.0, 0.0, -5.0]
    frame = pointset.frame_of(points)
    inside = frame.to_cube(points)
    assert np.ptp(inside, axis=0).max() == pytest.approx(LONGEST)
    assert inside.max(axis=0) + inside.min(axis=0) == pytest.approx([0.0, 0.0, 0.0])
    assert frame.from_cube(inside) == pytest.approx(points)
    assert pointset.frame_in(CUBE).to_cube(points) == pytest.approx(points)


def test_places_of_a_cloud_have_the_distances_of_its_surface() -> None:
    points = ball_of_points(4000)
    known = pointset.places_of(points, np.random.default_rng(0), count=2000, normals=points / 0.9)
    true = np.linalg.norm(known.places, axis=1) - 0.9
    assert known.distances[known.is_signed] == pytest.approx(true[known.is_signed], abs=0.03)
    assert np.abs(known.distances) == pytest.approx(np.abs(true), abs=0.03)
    guessed = pointset.places_of(points, np.random.default_rng(0), count=2000)
    away = np.abs(np.linalg.norm(guessed.places, axis=1) - 0.9)
    assert np.abs(guessed.distances) == pytest.approx(away, abs=0.03)
    assert (guessed.distances[guessed.is_signed] >= 0.0).all()


def test_of_a_part_nothing_is_said_where_no_points_are() -> None:
    points = ball_of_points(4000)
    points = points[points[:, 1] < 0.0]
    known = pointset.places_of(points, np.random.default_rng(0), count=2000, whole=False)
    assert known.places[:, 1].max() < 0.1


def ball_of_points(count: int) -> NDArray[Any]:
    away = np.random.default_rng(1).normal(size=(count, 3))
    return np.asarray(0.9 * away / np.linalg.norm(away, axis=1, keepdims=True))


ONE_BAD = np.vstack([ball_of_points(80), [[0.0, np.nan, 0.0]]])
BAD = {
    "1 of 81 points have no finite coordinates": ONE_BAD,
    "All 90 points lie at one place": np.ones((90, 3)),
    "49 different points are too few": ball_of_points(49),
    "0 different points are too few": np.zeros((0, 3)),
    "All points lie on one line": np.outer(np.arange(60.0), [1.0, 2.0, 3.0]),
    "All points lie in one plane": ball_of_points(200) * [1.0, 1.0, 0.0] + [0.0, 0.0, 7.0],
}


@pytest.mark.parametrize("sentence", BAD)
def test_points_that_are_no_surface_are_refused_with_a_sentence(sentence: str) -> None:
    with pytest.raises(InvalidScene, match=sentence) as told:
        reconstructed(BAD[sentence], QUICK)
    assert told.value.hint


# --- the lesson ---


def test_a_lesson_learns_and_goes_on_bit_for_bit(dataset: Path, tmp_path: Path) -> None:
    recipe = Recipe(steps=6, minutes=1e6, batch=8, judged_every=1000)

    def steps(folder: Path, count: int) -> dict[str, torch.Tensor]:
        folder.mkdir(exist_ok=True)
        lesson = lesson_on(dataset)
        about = replace(ABOUT, size=lesson.size)
        course = Course(lesson, about, folder, recipe, ALONE)
        for done, batch in enumerate(course.batches(), start=1):
            course.learn(batch)
            if done == count:
                break
        course.judge()
        return course.pupil.network.state_dict()

    whole = steps(tmp_path / "whole", 6)
    steps(tmp_path / "broken", 3)
    resumed = steps(tmp_path / "broken", 3)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_small_network_meets_shapes_after_some_steps(dataset: Path, tmp_path: Path) -> None:
    lesson = lesson_on(dataset)
    recipe = Recipe(steps=150, minutes=1e6, batch=32, judged_every=1000)
    course = Course(lesson, replace(ABOUT, size=lesson.size), tmp_path, recipe, ALONE)
    before = lesson.judged(course.pupil.network)["iou"]
    losses = [course.learn(batch)["loss"] for batch in course.batches()]
    after = lesson.judged(course.pupil.network)["iou"]
    assert losses[-1] < 0.5 * losses[0]
    assert after > max(0.25, before)


# --- the weights that are shipped ---


@cache
def shipped() -> network.AutoDecoder:
    cpu = torch.device("cpu")
    known, _ = weights.opened(network.AutoDecoder, "deepsdf", "", infer.BUILT_IN, cpu)
    return known


def reconstructed(points: NDArray[Any], params: Params, run: DetachedRun | None = None) -> Any:
    inputs = LearnedInputs(region=CUBE, points=PointCloud(positions=points))
    return infer.reconstruct(inputs, params, run or DetachedRun())


def chamfer(mesh: TriangleMesh, true: Thing) -> float:
    """Per cent of the diagonal."""
    scores = evaluate(mesh, true.mesh, num_samples=5000)
    return 100.0 * scores.fraction(scores.chamfer)


def points_of(true: Thing) -> NDArray[Any]:
    return sample(true.mesh, 2000, seed=7).points


@pytest.mark.parametrize("family", ["chair", "mug", "plane"])
def test_unseen_things_are_found_from_their_points(family: str) -> None:
    true, run = thing(family, 1000), DetachedRun()
    elsewhere = 3.0 * points_of(true) + [10.0, -20.0, 1.0]
    mesh = reconstructed(elsewhere, QUICK, run)
    is_closed_and_outward(mesh)
    back = replace(mesh, positions=((mesh.positions - [10.0, -20.0, 1.0]) / 3.0).astype(np.float32))
    assert chamfer(back, true) < 1.5
    assert not run.warnings
    assert sum(phase.share for phase in run.phases) == pytest.approx(1.0)


def test_a_front_is_completed_less_well_than_a_whole_but_better_than_by_a_mean() -> None:
    true = thing("car", 1001)
    points = points_of(true)
    front = points[points[:, 1] < 0.0]
    whole = chamfer(reconstructed(points, QUICK), true)
    completed = chamfer(reconstructed(front, replace(QUICK, part=True)), true)
    known = shipped()
    mean = fitting.Fit(known.prior()[0][None], torch.zeros(1, 5), torch.zeros(1))
    by_mean = chamfer(surface.surface_of(infer.field_of(known, mean), 64), true)
    assert whole < completed < by_mean


def test_half_way_between_two_things_is_one_thing() -> None:
    known = shipped()
    codes = known.codes.weight.detach()
    sofas = codes[known.family == 1]
    half = network.codes_between(sofas[0], sofas[1], 3)[1:2]
    fit = fitting.Fit(half, torch.zeros(1, 5), torch.zeros(1))
    mesh = surface.surface_of(infer.field_of(known, fit), 64)
    assert len(mesh.triangles) > 1000
    assert parts(mesh).max() == 0


def test_what_the_network_does_not_know_is_said() -> None:
    run = DetachedRun()
    upside_down = points_of(thing("chair", 1000)) * [1.0, -1.0, -1.0]
    reconstructed(upside_down, replace(QUICK, steps=20, resolution=32), run)
    assert len(run.warnings) == 1 and "does not know" in run.warnings[0]


def test_a_cancel_is_heard() -> None:
    class Cancelled(DetachedRun):
        def steps(self, count: int) -> Any:
            for step in super().steps(count):
                if step == 2:
                    raise JobCancelled("a test")
                yield step

    with pytest.raises(JobCancelled):
        reconstructed(points_of(thing("lamp", 1000)), QUICK, Cancelled())
