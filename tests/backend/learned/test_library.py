# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's own meshes as a world: distances in closed form, variants, splits, bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from lightkiln.learned.world.blender import pictures
from lightkiln.learned.world.library import SKIN, meshes_in, own_thing
from lightkiln.learned.world.plan import Plan, Split, of_library, split_of, world_of
from lightkiln.learned.world.samples import Amounts, samples, voxels
from lightkiln.learned.world.shards import Source, make, things
from lightkiln.learned.world.things import LONGEST, thing
from lightkiln.mesh.export import load_mesh
from lightkiln_shared.errors import UserError

FEW = Amounts(views=1, pixels=16, places=64, surface=32)


def saved(mesh: trimesh.Trimesh, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh.export(path)
    return path


def test_a_ball_has_the_distance_of_a_ball(tmp_path: Path) -> None:
    path = saved(
        trimesh.creation.icosphere(4, radius=3.0).apply_translation((5, 0, 1)), tmp_path / "a.ply"
    )
    ball = own_thing(path, "ball", 0, 0)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (500, 3))
    radius = np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(ball.distance(x), radius - LONGEST / 2.0, atol=0.02)
    near = np.abs(radius - LONGEST / 2.0) < 0.08
    np.testing.assert_allclose(ball.distance(x[near]), radius[near] - LONGEST / 2.0, atol=4e-3)
    surface = x / radius[:, None] * (LONGEST / 2.0)
    assert (ball.normals(surface) * surface).sum(axis=1).min() > 0.85 * LONGEST / 2.0
    assert 8.0 * voxels(ball, 64).mean() == pytest.approx(4.0 / 3.0 * np.pi * 0.9**3, rel=0.02)


def test_a_sheet_gets_a_skin_and_a_closed_box_none(tmp_path: Path) -> None:
    box = trimesh.creation.box((2.0, 1.0, 1.0))
    top = trimesh.Trimesh(box.vertices, box.faces[box.face_normals[:, 2] > 0.9])
    sheet = own_thing(saved(top, tmp_path / "sheet.ply"), "thing", 0, 0)
    whole = own_thing(saved(box, tmp_path / "box.ply"), "thing", 1, 0)
    x = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.05]])
    np.testing.assert_allclose(sheet.distance(x), [-SKIN, 0.05 - SKIN], atol=1e-6)
    np.testing.assert_allclose(whole.distance(np.array([[0.9, 0.0, 0.0]])), 0.0, atol=1e-6)
    assert voxels(sheet, 64).any()


def test_a_variant_is_another_shape_of_the_same_size(tmp_path: Path) -> None:
    path = saved(trimesh.creation.box((2.0, 1.0, 1.0)), tmp_path / "box.glb")
    itself, again, other = (own_thing(path, "thing", 3, variant) for variant in (0, 1, 2))
    sizes = [np.ptp(each.mesh.positions, axis=0) for each in (itself, again, other)]
    assert all(size.max() == pytest.approx(LONGEST) for size in sizes)
    np.testing.assert_allclose(sizes[0], (1.8, 0.9, 0.9), atol=1e-5)
    assert min(np.abs(sizes[0] - sizes[1]).max(), np.abs(sizes[1] - sizes[2]).max()) > 0.02
    np.testing.assert_array_equal(
        own_thing(path, "thing", 3, 1).mesh.positions, again.mesh.positions
    )


def test_colours_come_from_materials_and_pictures(tmp_path: Path) -> None:
    box = trimesh.creation.box()
    plain = trimesh.visual.material.PBRMaterial(baseColorFactor=[255, 0, 0, 255])
    box.visual = trimesh.visual.TextureVisuals(uv=np.zeros((8, 2)), material=plain)
    red = own_thing(saved(box, tmp_path / "red.glb"), "thing", 0, 0)
    kept = samples(red, FEW)
    np.testing.assert_array_equal(kept["colors"], np.tile([255, 0, 0], (FEW.surface, 1)))
    seen = kept["views"][0][kept["views"][0][..., 3] == 255]
    assert seen[:, 0].min() > 80
    assert seen[:, 1:3].max() == 0


def library(folder: Path) -> Path:
    for index in range(2):
        saved(trimesh.creation.box((1.0, 1.0 + index, 1.0)), folder / "boxes" / f"{index}.ply")
        saved(trimesh.creation.icosphere(1), folder / "balls" / f"{index}.glb")
    return folder


def test_a_library_is_split_by_mesh_and_its_folders_are_families(tmp_path: Path) -> None:
    meshes = meshes_in(library(tmp_path / "library"))
    plan = of_library(meshes, 5, FEW, "own")
    assert plan.families == ("balls", "boxes")
    assert "4 meshes of one's own: balls, boxes" in world_of(plan)
    make(tmp_path / "made", plan, lambda *_: None, 1, Source(meshes=tmp_path / "library"))
    parts = {split: things(tmp_path / "made", split) for split in Split}
    assert [len(parts[split]) for split in Split] == [10, 5, 5]
    assert set(parts[Split.TRAIN].family) == {0}
    assert set(parts[Split.TEST].family) == {1}


@pytest.mark.parametrize("total", [3, 9, 10, 25])
def test_no_mesh_is_in_two_parts_and_each_part_has_one(total: int) -> None:
    plan = Plan(families=("thing",), count=7, meshes=tuple(f"{n}.ply" for n in range(total)))
    parts = [split_of(number, plan) for number in range(len(plan))]
    by_mesh = [set(parts[at : at + 7]) for at in range(0, len(plan), 7)]
    assert all(len(each) == 1 for each in by_mesh)
    assert set(parts) == set(Split)
    assert parts.count(Split.TRAIN) >= 0.3 * len(plan)


def test_what_cannot_be_learned_from_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        meshes_in(tmp_path / "none")
    with pytest.raises(UserError, match="has no meshes"):
        meshes_in(tmp_path)
    folder = library(tmp_path / "library")
    with pytest.raises(UserError, match="2 meshes are too few"):
        of_library(meshes_in(folder)[:2], 5, FEW, "own")
    (folder / "bad.glb").write_bytes(b"no mesh at all")
    plan = of_library(meshes_in(folder), 5, FEW, "own")
    with pytest.raises(UserError, match=r"bad\.glb cannot be read"):
        make(tmp_path / "made", plan, lambda *_: None, 1, Source(meshes=folder))
    flat = trimesh.PointCloud(np.random.default_rng(0).random((9, 3)))
    flat.export(folder / "points.ply")
    with pytest.raises(UserError, match="no triangles"):
        own_thing(folder / "points.ply", "thing", 0, 0)


def test_a_program_that_is_no_blender_is_told(tmp_path: Path) -> None:
    angles = np.zeros((1, 1, 2))
    with pytest.raises(UserError, match="cannot be run"):
        pictures([thing("mug", 0)], angles, 16, str(tmp_path / "none"))
    with pytest.raises(UserError, match="Blender failed"):
        pictures([thing("mug", 0)], angles, 16, "/bin/false")
    with pytest.raises(UserError, match="without all pictures"):
        pictures([thing("mug", 0)], angles, 16, "/bin/true")


def test_an_untextured_mesh_still_has_no_colours(tmp_path: Path) -> None:
    for name in ("box.glb", "box.obj", "box.ply"):
        assert load_mesh(saved(trimesh.creation.box(), tmp_path / name)).colors is None
