# SPDX-License-Identifier: GPL-3.0-or-later
"""Voxel networks: closed forms, a known surface, lessons that learn, and the weights that ship."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned import course, weights
from lightkiln.learned.placing import placed
from lightkiln.learned.voxels import lessons, shipped
from lightkiln.learned.voxels.autoencoding import drawn, noisy, reconstructed
from lightkiln.learned.voxels.code_prior import PARTS, CodePrior, parted
from lightkiln.learned.voxels.gan import VoxelGan, coarser, generated, most_real, twins
from lightkiln.learned.voxels.network import VoxelAutoencoder, divergence, missed
from lightkiln.learned.voxels.scores import likeness, set_scores
from lightkiln.learned.voxels.surface import certain, surface
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Plan, Split
from lightkiln.learned.world.samples import Amounts, voxels
from lightkiln.learned.world.shards import make
from lightkiln.learned.world.things import centres, thing
from lightkiln.methods import invention
from lightkiln.methods.gan3d.infer import generate as generate_by_gan
from lightkiln.methods.vae3d.infer import generate
from lightkiln.metrics.voxels import iou
from lightkiln.training.processes import Group
from lightkiln_shared.errors import InvalidWeights, NothingReconstructed
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.distributions import Normal, kl_divergence

SIDE = 32
HELD_OUT = 149  # a thing of the test: see `shards.split_of`
REGION = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))


@pytest.fixture(autouse=True)
def _one_core() -> None:
    torch.set_num_threads(1)


def ball(radius: float, side: int = SIDE) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(centres(side), axis=1) < radius).reshape((side,) * 3)


def cells(*occupied: int) -> NDArray[np.bool_]:
    flat = np.zeros(8, dtype=bool)
    flat[list(occupied)] = True
    return flat.reshape(2, 2, 2)


# Closed forms.


def test_divergence_is_that_of_gaussians() -> None:
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    theirs = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(mean, log_variance), theirs)
    assert float(divergence(torch.zeros(1, 1), torch.zeros(1, 1))) == 0.0


def test_an_occupied_voxel_that_is_missed_costs_three_times_as_much() -> None:
    nothing = torch.zeros(1, 2, 2, 2)
    one = nothing.clone()
    one[0, 0, 0, 0] = 1.0
    assert float(missed(nothing, nothing)) == pytest.approx(8.0 * math.log(2.0))
    assert float(missed(nothing, one)) == pytest.approx((7.0 + 3.0) * math.log(2.0))


def test_intersection_over_union_by_hand() -> None:
    a = np.stack([cells(0, 1), cells(0, 1), cells()])
    b = np.stack([cells(1, 2), cells(0, 1), cells()])
    np.testing.assert_allclose(iou(a, b), [1.0 / 3.0, 1.0, 1.0])
    np.testing.assert_allclose(np.diag(likeness(a, b)), iou(a, b))
    assert likeness(a, b)[0, 2] == 0.0


def test_coverage_and_matching_by_hand() -> None:
    real = np.stack([cells(0), cells(1), cells(2, 3)])
    same = np.stack([cells(0), cells(0)])
    found = set_scores(same, real)
    assert found.coverage == pytest.approx(1.0 / 3.0)
    assert found.matching == pytest.approx(1.0 / 3.0)
    assert found.occupancy == pytest.approx(1.0 / 8.0)
    assert found.similarity == 1.0
    best = set_scores(real, real)
    assert (best.coverage, best.matching, best.similarity) == (1.0, 1.0, 0.0)


def test_coarser_voxels_keep_what_is_thin() -> None:
    thin = np.zeros((1, SIDE, SIDE, SIDE), dtype=bool)
    thin[0, 5, 7, :] = True
    assert coarser(thin, 16).sum() == 16
    assert coarser(thin, 16)[0, 2, 3].all()


def test_codes_are_split_where_they_lie_apart() -> None:
    draw = torch.Generator().manual_seed(0)
    codes = torch.randn(60, 3, generator=draw) + 20.0 * (torch.arange(60) % 2)[:, None]
    part = parted(codes, 2)
    assert (part == part[0])[::2].all() and (part == part[1])[1::2].all() and part[0] != part[1]


def test_the_prior_of_codes_draws_what_it_was_fitted_to() -> None:
    draw = torch.Generator().manual_seed(0)
    shape = torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    codes = torch.randn(4000, 2, generator=draw) @ shape.T + torch.tensor([5.0, -3.0])
    prior = CodePrior(2, 2)
    prior.fit(codes, torch.full_like(codes, math.log(0.25)), torch.ones(4000, dtype=torch.int64))
    new = prior.draw(torch.ones(20_000, dtype=torch.int64), 1.0, draw)
    torch.testing.assert_close(new.mean(dim=0), codes.mean(dim=0), atol=0.05, rtol=0.0)
    wanted = codes.T.cov() + 0.25 * torch.eye(2)
    torch.testing.assert_close(new.T.cov(), wanted, atol=0.15, rtol=0.05)
    usual = prior.draw(torch.ones(2000, dtype=torch.int64), 0.0, draw)
    assert len(usual.unique(dim=0)) <= PARTS, "without spread, the parts' middles"
    other = prior.draw(torch.zeros(2000, dtype=torch.int64), 1.0, draw)
    assert float(other.mean(dim=0).abs().max()) < 0.1, "a family without things stays N(0, 1)"


def test_twins_cost_more_than_things_that_differ() -> None:
    apart = torch.stack([torch.zeros(4), torch.full((4,), math.sqrt(0.5))])
    same = torch.stack([torch.from_numpy(cells(0, 1))] * 2).float()
    other = torch.stack([torch.from_numpy(cells(0, 1)), torch.from_numpy(cells(2, 3))]).float()
    assert float(twins(same, apart)) == pytest.approx(20.0)
    assert float(twins(other, apart)) == pytest.approx(1.0 / (math.sqrt(2.0) + 0.05))


# The surface.


@pytest.mark.parametrize("side", [16, 32])
def test_the_surface_of_a_ball(side: int) -> None:
    radius = 0.6
    mesh = surface(certain(ball(radius, side)))
    far = np.linalg.norm(mesh.positions, axis=1)
    assert float(np.abs(far - radius).max()) < 1.2 * 2.0 / side
    assert float(far.mean()) == pytest.approx(radius, abs=0.4 * 2.0 / side)
    assert mesh.normals is not None
    assert float((mesh.normals * mesh.positions / far[:, None]).sum(axis=1).min()) > 0.8
    solid = trimesh.Trimesh(mesh.positions, mesh.triangles)
    assert solid.is_watertight and solid.is_winding_consistent
    assert solid.volume == pytest.approx(4.0 / 3.0 * math.pi * radius**3, rel=0.1)


def test_axes_are_not_mixed_and_what_leaves_the_cube_is_closed() -> None:
    bar = np.zeros((SIDE,) * 3, dtype=bool)
    bar[20:32, 10:13, 4:8] = True
    mesh = surface(certain(bar))
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    np.testing.assert_allclose(low, np.array([20, 10, 4]) / 16.0 - 1.0, atol=0.05)
    np.testing.assert_allclose(high, np.array([32, 13, 8]) / 16.0 - 1.0, atol=0.05)
    assert trimesh.Trimesh(mesh.positions, mesh.triangles).is_watertight


def test_a_speck_goes_and_nothing_is_said_to_be_nothing() -> None:
    speckled = ball(0.6)
    speckled[2:4, 2:4, 2:4] = True
    assert len(surface(certain(speckled)).positions) == len(surface(certain(ball(0.6))).positions)
    with pytest.raises(NothingReconstructed):
        surface(certain(np.zeros((SIDE,) * 3, dtype=bool)))


def test_a_stretched_region_stretches_the_thing_and_its_normals_stay_upright() -> None:
    matrix = np.diag([2.0, 1.0, 0.5, 1.0])
    matrix[:3, 3] = [10.0, 20.0, 30.0]
    region = Region(shape=RegionShape.BOX, world_from_region=matrix)
    mesh = placed(surface(certain(ball(0.6))), region)
    np.testing.assert_allclose(np.ptp(mesh.positions, axis=0), [2.4, 1.2, 0.6], rtol=0.08)
    solid = trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)
    assert mesh.normals is not None
    assert float((solid.vertex_normals * mesh.normals).sum(axis=1).mean()) > 0.97


# Lessons.


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    amounts = Amounts(views=1, pixels=16, places=64, surface=64)
    plan = Plan(families=("table", "bottle"), count=10, amounts=amounts)
    make(folder, plan, lambda done, of: None, workers=1)
    return folder


def taught(
    name: str, dataset: Path, folder: Path, *steps: int, batch: int = 4
) -> list[course.Figures]:
    """Figures of the steps; it begins anew, from what was left, for each of the counts."""
    told: list[course.Figures] = []
    folder.mkdir(exist_ok=True)
    for until in steps:
        lesson, about = getattr(lessons, name)(dataset, Split.VALIDATION, {})
        recipe = course.Recipe(steps=until, minutes=1e6, batch=batch, judged_every=1000)
        taking = course.Course(lesson, about, folder, recipe, Group(0, 1, torch.device("cpu")))
        for each in taking.batches():
            taking.pupil.progress = 0.5  # of the same course, however it is cut
            told.append(taking.learn(each))
        taking.judge()
    return told


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_it_learns_a_few_things(name: str, dataset: Path, tmp_path: Path) -> None:
    told = taught(name, dataset, tmp_path, 25)
    assert told[-1]["missed"] < 0.8 * told[0]["missed"]
    assert (tmp_path / "shapes.png").exists()
    about = weights.about(tmp_path / course.FILE, {"vae": "vae3d"}.get(name, "autoencoder3d"))
    assert about.world == "tables, bottles of the procedural world"
    assert 0.0 <= about.figures["iou"] <= 1.0


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_what_was_broken_off_goes_on_bit_for_bit(name: str, dataset: Path, tmp_path: Path) -> None:
    taught(name, dataset, tmp_path / "straight", 6)
    taught(name, dataset, tmp_path / "broken", 3, 6)
    straight, broken = (load_file(tmp_path / way / course.STATE) for way in ("straight", "broken"))
    for key, value in straight.items():
        if key.startswith(("network.", "optimiser.", "mean.")):
            assert torch.equal(value, broken[key]), key


def test_the_players_of_the_gan_take_turns(dataset: Path, tmp_path: Path) -> None:
    told = taught("gan", dataset, tmp_path, 8)
    assert all(math.isfinite(each["loss"]) for each in told)
    assert all(0.0 <= each["right"] <= 1.0 for each in told)
    network = VoxelGan(**weights.about(tmp_path / course.FILE, "gan3d").size)
    assert generated(network, torch.tensor([0, 1]), 1.0, seed=3).shape == (2, 16, 16, 16)
    assert network.discriminator.is_real.weight.requires_grad


# What ships.


@pytest.fixture(scope="module")
def held_out() -> NDArray[np.bool_]:
    return np.stack([voxels(thing(name, HELD_OUT), SIDE) for name in FAMILIES])


@pytest.fixture(scope="module")
def vae() -> VoxelAutoencoder:
    return shipped.vae()[0]


def test_the_spec_names_the_families_in_the_order_of_the_world() -> None:
    assert tuple(FAMILIES) == invention.FAMILIES


@pytest.mark.parametrize("name", ["vae3d", "autoencoder3d"])
def test_shipped_weights_give_unseen_things_back(name: str, held_out: NDArray[np.bool_]) -> None:
    network = (shipped.vae if name == "vae3d" else shipped.autoencoder)()[0]
    found = float(iou(reconstructed(network, held_out) > 0.0, held_out).mean())
    seen = np.stack([voxels(thing(family, 0), SIDE) for family in FAMILIES])
    mean_shape = np.broadcast_to(seen.mean(axis=0) >= 0.3, held_out.shape)
    assert found > 0.75
    assert found > 2.0 * float(iou(mean_shape, held_out).mean())
    assert shipped.built_in(name).stat().st_size < 12_000_000


def test_the_autoencoder_takes_noise_away(held_out: NDArray[np.bool_]) -> None:
    spoiled = noisy(held_out, np.random.default_rng(1), share=1.0)
    mended = reconstructed(shipped.autoencoder()[0], spoiled) > 0.0
    assert float(iou(mended, held_out).mean()) > float(iou(spoiled, held_out).mean()) + 0.1


def test_new_things_differ_and_are_as_full_as_real_ones(
    vae: VoxelAutoencoder, held_out: NDArray[np.bool_]
) -> None:
    family = torch.arange(12) % 9
    sets = [drawn(vae, family, 0.8, seed) for seed in (0, 1)]
    for logits in sets:
        assert float((logits > 0.0).mean()) == pytest.approx(held_out.mean(), rel=0.4)
        assert all(len(surface(each, 0.35).triangles) > 100 for each in logits)
    assert float(iou(sets[0] > 0.0, sets[1] > 0.0).max()) < 0.98
    np.testing.assert_array_equal(sets[0], drawn(vae, family, 0.8, 0))


def test_new_things_resemble_their_family(
    vae: VoxelAutoencoder, held_out: NDArray[np.bool_]
) -> None:
    seen = [np.stack([voxels(thing(name, n), SIDE) for n in range(3)]) for name in FAMILIES]
    new = drawn(vae, torch.arange(9), 0.5, seed=2) > 0.0
    alike = np.stack([likeness(new, each).mean(axis=1) for each in seen], axis=1)
    assert (alike.argmax(axis=1) == np.arange(9)).sum() >= 7


def test_the_gan_makes_something_of_every_family() -> None:
    network = shipped.gan()[0]
    made = np.stack([most_real(network, family, 0.8, seed=family) for family in range(9)])
    real = np.stack([voxels(thing(name, HELD_OUT), SIDE) for name in FAMILIES])
    assert all(len(surface(each, 0.35).triangles) > 50 for each in made)
    assert float((made > 0.0).mean()) == pytest.approx(coarser(real, 16).mean(), rel=0.4)
    assert set_scores(made > 0.0, coarser(real, 16)).similarity < 0.3


def test_halfway_between_two_things_is_a_thing(
    vae: VoxelAutoencoder, held_out: NDArray[np.bool_]
) -> None:
    mean, _ = vae.encode(torch.from_numpy(held_out[[1, 7]]).float())
    logits = vae.decode(mean.mean(dim=0, keepdim=True)).numpy()[0]
    assert len(surface(logits, 0.35).triangles) > 100


class Run:
    """A run that nobody disturbs."""

    def __init__(self, seed: int) -> None:
        self.seed, self.device, self.phases = seed, "cpu", list[str]()

    def phase(self, name: str, share: float) -> Run:
        self.phases.append(name)
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *about: object) -> None: ...

    def steps(self, count: int) -> Sequence[int]:
        return range(count)


@pytest.mark.parametrize(
    ("way", "params"),
    [(generate, invention.Params()), (generate_by_gan, invention.Params())],
    ids=["vae3d", "gan3d"],
)
def test_every_seed_has_its_own_mesh(way: object, params: object) -> None:
    meshes = [way(LearnedInputs(region=REGION), params, Run(seed)) for seed in (1, 2, 1)]  # type: ignore[operator]
    for mesh in meshes:
        assert 100 < len(mesh.triangles) <= params.faces  # type: ignore[attr-defined]
        assert float(np.abs(mesh.positions).max()) < 1.05
        assert mesh.colors is not None and 0.0 <= mesh.colors.min() <= mesh.colors.max() <= 1.0
    np.testing.assert_array_equal(meshes[0].positions, meshes[2].positions)
    assert meshes[0].positions.shape != meshes[1].positions.shape


def test_other_weights_are_refused() -> None:
    with pytest.raises(InvalidWeights):
        shipped.vae(str(shipped.built_in("gan3d")))
