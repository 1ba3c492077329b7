# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-Net on slices: its phantoms, its figures, its surfaces and its run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.capture.volume import Volume
from lightkiln.learned import course
from lightkiln.learned.slices.lesson import SlicesLesson, dice, volume_of
from lightkiln.learned.slices.network import UNet, loss, soft_dice, windowed
from lightkiln.learned.slices.parts import BONE, CONTRAST, OTHER
from lightkiln.learned.slices.phantoms import TEST, TRAINING, VALIDATION, phantom
from lightkiln.learned.slices.segment import (
    labelled,
    network_of,
    probabilities,
    resampled_size,
    surface,
)
from lightkiln.methods.unet_slices import Params
from lightkiln.methods.unet_slices.infer import reconstruct
from lightkiln.training.processes import Group
from lightkiln_shared.errors import InvalidScene, InvalidWeights, JobCancelled
from lightkiln_shared.scene import Region, RegionShape
from PIL import Image

CPU = torch.device("cpu")
SPACING, RADII = (1.0, 1.5, 3.0), np.array([14.0, 20.0, 24.0])


def ellipsoid(linear: np.ndarray, centre: np.ndarray) -> Volume:
    """Shares of an ellipsoid, soft at its border, on a lattice about it."""
    shape = (50, 40, 26)
    pose = np.eye(4)
    pose[:3, :3] = linear
    pose[:3, 3] = centre - linear @ (np.array(shape) - 1) / 2.0
    index = np.moveaxis(np.indices(shape), 0, -1)
    away = (index @ linear.T + pose[:3, 3] - centre) / RADII
    out = (np.linalg.norm(away, axis=-1) - 1.0) * RADII.min()
    share = np.clip(0.5 - out / 4.0, 0.0, 1.0).astype(np.float32)
    return Volume(values=share, world_from_index=pose)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, 1)])
def test_a_surface_has_the_size_the_place_and_the_outside_of_its_body(
    signs: tuple[int, int, int],
) -> None:
    """Metres of millimetres; a left-handed lattice must not turn it inside out."""
    centre = np.array([100.0, -40.0, 250.0])
    volume = ellipsoid(np.diag(np.array(signs) * SPACING), centre)
    mesh = surface(volume, volume.values)
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    assert np.allclose(0.5 * (low + high), 0.001 * centre, atol=2e-4)
    assert np.allclose(high - low, 0.002 * RADII, rtol=0.03)
    corners = mesh.positions[mesh.triangles].astype(np.float64) - 0.001 * centre
    content = np.linalg.det(corners).sum() / 6.0  # positive: triangles are seen from outside
    assert content == pytest.approx(4 / 3 * np.pi * np.prod(0.001 * RADII), rel=0.03)
    assert mesh.normals is not None
    outwards = (mesh.positions - 0.001 * centre) / (0.001 * RADII) ** 2
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    assert (mesh.normals * outwards).sum(axis=1).min() > 0.9


def test_a_surface_is_closed_where_the_scan_ends_and_has_no_specks() -> None:
    volume = ellipsoid(np.diag(SPACING), np.zeros(3))
    half = Volume(values=volume.values[:25].copy(), world_from_index=volume.world_from_index)
    half.values[2:4, 2:4, 2:4] = 1.0
    mesh = surface(half, half.values, min_share=0.05)
    edges = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    assert mesh.positions[:, 0].min() > half.world_from_index[0, 3] * 0.001 + 0.005


def test_smoothing_is_in_millimetres() -> None:
    """A rod along z thinner than the smoothing loses as much on any lattice."""
    for step in (1.0, 2.0):
        x = (np.arange(int(40 / step)) - 20 / step + 0.5) * step
        rod = (np.hypot(x[:, None, None], x[None, :, None]) < 8.0) * np.ones((1, 1, 8))
        pose = np.diag([step, step, 5.0, 1.0])
        mesh = surface(Volume(values=rod, world_from_index=pose), rod, smooth=4.0)
        across = np.ptp(mesh.positions[:, 0])
        assert across == pytest.approx(0.0142, abs=0.0012)


def test_phantoms_are_the_same_by_the_same_seed_and_overlap_in_density() -> None:
    one, two, other = (phantom(seed, (64, 64, 4), (2.5, 3.0)) for seed in (7, 7, 8))
    assert np.array_equal(one.values, two.values) and np.array_equal(one.labels, two.labels)
    assert not np.array_equal(one.labels, other.labels)
    assert not set(TRAINING) & set(VALIDATION[:1]) and VALIDATION.stop <= TEST.start
    assert TRAINING.stop <= VALIDATION.start
    bodies = [phantom(seed, (64, 64, 4), (2.5, 3.0)) for seed in range(6)]
    values = np.concatenate([body.values.reshape(-1) for body in bodies])
    labels = np.concatenate([body.labels.reshape(-1) for body in bodies])
    bone, bright = values[labels == BONE], values[labels == CONTRAST]
    assert np.percentile(bone, 25) < np.percentile(bright, 90)
    assert np.median(values[labels == OTHER]) < 80


def test_dice_and_loss_in_closed_form() -> None:
    a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    assert dice(a, b) == pytest.approx(2 / 3)
    assert np.isnan(dice(a, b & ~b))
    truth = torch.zeros(1, 3, 2, 2)
    truth[:, 1] = 1.0
    assert soft_dice(truth, truth).tolist() == [1.0, 1.0, 1.0]
    assert soft_dice(0.5 * truth, truth)[1].item() == pytest.approx((2 * 2 + 1) / (1 + 4 + 1))
    logits = 50.0 * truth
    labels = torch.ones(1, 2, 2, dtype=torch.long)
    assert loss(logits, labels).item() == pytest.approx(0.0, abs=1e-6)
    assert windowed(torch.tensor([-1000.0, 500.0, 3000.0])).tolist() == [-1.0, 0.0, 1.0]


def test_any_size_goes_through_the_network() -> None:
    network = UNet(4, 3).eval()
    assert network(torch.zeros(2, 3, 21, 30)).shape == (2, 3, 21, 30)


def test_slices_far_from_the_taught_spacing_are_resampled() -> None:
    for step, size in ((0.5, 15), (2.0, 60), (2.9, 60), (4.0, 120)):
        scan = Volume(
            values=np.zeros((60, 60, 4), np.float32), world_from_index=np.diag([step, step, 3, 1])
        )
        assert resampled_size(scan) == (size, size)
        found = probabilities(UNet(4, 3).eval(), scan)
        assert found.shape == (3, 60, 60, 4)
        assert np.allclose(found.sum(axis=0), 1.0, atol=1e-4)


def test_the_built_in_weights_beat_every_threshold() -> None:
    """On bodies of the world that were neither taught nor judged."""
    network = network_of("", CPU)
    found, thresholds = [], []
    for seed in TEST[:4]:
        body = phantom(seed, (112, 112, 8))
        answer = labelled(probabilities(network, volume_of(body)))
        found.append([dice(answer == k, body.labels == k) for k in (BONE, CONTRAST)])
        thresholds.append(
            [dice(body.values > level, body.labels == BONE) for level in range(60, 500, 20)]
        )
    bone, organ = np.nanmean(found, axis=0)
    assert bone > 0.9
    assert organ > 0.8
    assert np.nanmean(thresholds, axis=0).max() < 0.7


def test_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Broken off after three of six steps, with all of the course before it."""
    lesson = SlicesLesson(width=4, levels=2, batch_size=2, bodies=2, judged_bodies=0)
    recipe = course.Recipe(steps=6, judged_every=3)

    def taught(folder: Path, told: Any) -> bytes:
        made = course.train(lesson, lesson.about, folder, recipe, Group(0, 1, CPU), told)
        return made.read_bytes()

    def broken_off(step: int, _: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    straight = taught(tmp_path / "straight", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "broken", broken_off)
    assert (tmp_path / "broken" / course.FILE).read_bytes() != straight
    assert taught(tmp_path / "broken", lambda *_: None) == straight


class Quiet:
    """A run of which only the steps are counted; it may be cancelled at one."""

    device, seed = "cpu", 0

    def __init__(self, cancelled_at: int = -1) -> None:
        self.cancelled_at, self.phases, self.told = cancelled_at, dict[str, float](), list[str]()

    @contextmanager
    def phase(self, name: str, share: float) -> Iterator[None]:
        self.phases[name] = share
        yield

    def steps(self, count: int) -> Iterator[int]:
        for step in range(count):
            if step == self.cancelled_at:
                raise JobCancelled("cancelled")
            yield step

    def warn(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture(name="stack")
def written_stack(tmp_path: Path) -> Path:
    """A phantom as TIFF slices of floating-point numbers, the front of the body on top."""
    body = phantom(TEST[0], (112, 112, 8))
    for z in range(8):
        picture = body.values[::-1, ::-1, z].T
        Image.fromarray(np.ascontiguousarray(picture)).save(tmp_path / f"{z}.tif")
    (tmp_path / "spacing.json").write_text(
        json.dumps({"spacing_mm": body.spacing}), encoding="utf-8"
    )
    return tmp_path


def test_the_method_from_files_to_mesh(stack: Path) -> None:
    run = Quiet()
    mesh = reconstruct(_inputs(stack), Params(), run)  # type: ignore[arg-type]
    assert len(mesh.triangles) > 100
    assert sum(run.phases.values()) == pytest.approx(1.0)
    assert not run.told
    with pytest.raises(JobCancelled):
        reconstruct(_inputs(stack), Params(), Quiet(cancelled_at=1))  # type: ignore[arg-type]


def test_what_the_method_refuses(stack: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidScene):
        reconstruct(_inputs(None), Params(), Quiet())  # type: ignore[arg-type]
    strange = tmp_path / "weights.pt"
    strange.write_bytes(b"")
    with pytest.raises(InvalidWeights):
        reconstruct(_inputs(stack), Params(weights=str(strange)), Quiet())  # type: ignore[arg-type]


def _inputs(volume: Path | None) -> LearnedInputs:
    region = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))
    return LearnedInputs(region=region, volume=volume)
