# SPDX-License-Identifier: GPL-3.0-or-later
"""The world that is learned: every family, what is kept of a thing, and a dataset on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Plan, Split, plan_of, split_of
from lightkiln.learned.world.samples import Amounts, camera_of, samples, voxels
from lightkiln.learned.world.shards import make, things, unpacked
from lightkiln.learned.world.things import LONGEST, SIDE, centres, thing
from lightkiln.ops.triangles import area_vectors
from lightkiln_shared.camera import project
from lightkiln_shared.errors import UserError

FEW = Amounts(views=2, pixels=32, places=256, surface=128)
SMALL = Plan(families=("mug", "chair"), count=10, amounts=FEW)
SEEDS = range(2)


@pytest.mark.parametrize("family", FAMILIES)
def test_things_fill_the_cube_and_are_seen_from_outside(family: str) -> None:
    for number in SEEDS:
        made = thing(family, number)
        mesh = made.mesh
        size = np.ptp(mesh.positions, axis=0)
        assert abs(size.max() - LONGEST) < 0.15  # the box is found to a step of its lattice
        assert np.abs(mesh.positions).max() < 1.0
        a, b, c = (mesh.positions[mesh.triangles[:, k]].astype(float) for k in range(3))
        volume = float((np.cross(a, b) * c).sum()) / 6.0
        assert volume == pytest.approx(8.0 * voxels(made, 64).mean(), rel=0.35)  # thin plates
        faces = area_vectors(mesh.positions, mesh.triangles)
        corners = mesh.normals[mesh.triangles].mean(axis=1)
        assert ((faces * corners).sum(axis=1) > 0.0).mean() > 0.97


@pytest.mark.parametrize("family", FAMILIES)
def test_the_distance_is_one_near_the_surface_and_never_too_large(family: str) -> None:
    """A sphere tracer may rely on it: outside, no point of the surface is nearer."""
    made = thing(family, 1)
    draw = np.random.default_rng(0)
    x = draw.uniform(-1.0, 1.0, (400, 3))
    vertices = made.mesh.positions.astype(float)
    nearest = np.sqrt(((x[:, None] - vertices[None]) ** 2).sum(axis=-1)).min(axis=1)
    outside = made.distance(x) > 0.0
    assert (made.distance(x)[outside] <= nearest[outside] + 0.03).all()
    near = vertices[:: len(vertices) // 200] + 0.0
    assert np.abs(made.distance(near)).max() < 0.03


def test_the_lattice_is_right_where_the_surface_is_and_in_sign_everywhere() -> None:
    for family in FAMILIES:
        made = thing(family, 7)
        whole = made.distance(centres(SIDE)).reshape((SIDE,) * 3)
        np.testing.assert_array_equal(made.lattice < 0.0, whole < 0.0)
        near = np.abs(whole) < 2.0 / SIDE
        np.testing.assert_array_equal(made.lattice[near], whole[near])


def test_the_same_number_is_the_same_thing_and_another_another() -> None:
    one, same, other = thing("chair", 4), thing("chair", 4), thing("chair", 5)
    x = centres(16)
    np.testing.assert_array_equal(one.distance(x), same.distance(x))
    assert np.abs(one.distance(x) - other.distance(x)).max() > 0.05


def test_what_is_kept_of_a_thing_agrees_with_itself() -> None:
    made = thing("mug", 2)
    kept = samples(made, FEW)
    assert np.abs(made.distance(kept["surface"].astype(float))).max() < 0.03
    assert (kept["distances"] < 0.0).mean() > 0.2
    occupied = unpacked(kept["voxels32"][None], 32)[0]
    np.testing.assert_array_equal(occupied, made.distance(centres(32)).reshape(32, 32, 32) < 0.0)
    for picture, angles in zip(kept["views"], kept["angles"], strict=True):
        pixels, _ = project(camera_of(angles, FEW.pixels), kept["surface"].astype(float))
        column, row = np.clip(pixels.astype(int), 0, FEW.pixels - 1).T
        assert (picture[row, column, 3] > 0).mean() > 0.95


def test_a_dataset_is_split_by_thing_and_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    make(tmp_path, SMALL, lambda *done: told.append(done), workers=1)
    assert told[-1] == (1, 1)
    parts = {split: things(tmp_path, split) for split in Split}
    assert {split.value: len(part) for split, part in parts.items()} == {
        "train": 16, "validation": 2, "test": 2,
    }  # fmt: skip
    assert sorted(parts[Split.TEST].family) == [0, 1]
    assert [split_of(number, SMALL) for number in (8, 9, 18, 19)] == [
        Split.VALIDATION, Split.TEST, Split.VALIDATION, Split.TEST,
    ]  # fmt: skip
    (shard,) = tmp_path.glob("*.safetensors")
    before = shard.stat().st_mtime_ns
    make(tmp_path, SMALL, lambda *_: None, workers=1)
    assert shard.stat().st_mtime_ns == before
    shard.unlink()
    with pytest.raises(UserError, match="missing"):
        things(tmp_path, Split.TRAIN)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda folder: None, "is no dataset"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "cannot be read"),
        (lambda folder: _manifest(folder, version=99), "another version"),
        (lambda folder: _damaged(folder), "is damaged"),
    ],
)
def test_bad_datasets_are_told(tmp_path: Path, wrong: object, says: str) -> None:
    assert callable(wrong)
    wrong(tmp_path)
    with pytest.raises(UserError, match=says):
        things(tmp_path, Split.TRAIN)


def test_too_little_another_plan_and_unknown_families_are_told(tmp_path: Path) -> None:
    def asked(**plan: object) -> None:
        make(tmp_path, Plan(**{"families": ("mug",), "count": 20, **plan}), lambda *_: None)  # type: ignore[arg-type]

    with pytest.raises(UserError, match="too few"):
        asked(count=1)
    with pytest.raises(UserError, match="no family 'dragon'"):
        asked(families=("dragon",))
    _manifest(tmp_path)
    with pytest.raises(UserError, match="another dataset"):
        asked()


def _manifest(folder: Path, **changed: object) -> None:
    about = {"families": ["mug"], "count": 30, "version": 1}
    amounts = {"views": 1, "pixels": 16, "places": 16, "surface": 16}
    text = json.dumps({**about, "amounts": amounts, **changed})
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    if not changed:
        assert plan_of(folder).count == 30


def _damaged(folder: Path) -> None:
    _manifest(folder)
    (folder / "things-000000.safetensors").write_bytes(b"no shard at all")
