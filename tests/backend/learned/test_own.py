# SPDX-License-Identifier: GPL-3.0-or-later
"""What is learned of a person's own meshes: where it begins, what is kept, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from lightkiln.capture.inputs import LearnedInputs, MeshFile
from lightkiln.learned.voxels import own
from lightkiln.learned.voxels.autoencoding import reconstructed
from lightkiln.learned.voxels.network import VoxelAutoencoder
from lightkiln.learned.voxels.shipped import vae
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.own_shapes import Params
from lightkiln.methods.own_shapes.teach import generate
from lightkiln_shared.errors import InvalidParams, InvalidScene, UserError
from lightkiln_shared.scene import Region, RegionShape

REGION = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))
SHORT = {"steps": 10, "variants": 2, "faces": 2000}


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def inputs(tmp_path: Path) -> LearnedInputs:
    """Two posts and two boards."""
    found = []
    for name, size in (("post", (0.3, 0.3, 2.0)), ("board", (2.0, 1.0, 0.2))):
        for index in range(2):
            path = tmp_path / f"{name}{index}.ply"
            trimesh.creation.box((size[0] * (1 + 0.2 * index), *size[1:])).export(path)
            found.append(MeshFile(family=name, path=path))
    (tmp_path / "work").mkdir()
    return LearnedInputs(region=REGION, meshes=tuple(found), workspace=tmp_path / "work")


def test_it_begins_with_what_the_shipped_one_knows(tmp_path: Path, inputs: LearnedInputs) -> None:
    meshes = [(each.family, each.path) for each in inputs.meshes]
    course = own.course_of(meshes, 2, 10, tmp_path / "new", torch.device("cpu"), range)
    begun, (shipped, _) = course.pupil.network, vae()
    assert isinstance(begun, VoxelAutoencoder)
    assert begun.prior.families == 2
    begun.eval()
    ball = np.linalg.norm(np.mgrid[-1:1:32j, -1:1:32j, -1:1:32j], axis=0)[None] < 0.7
    np.testing.assert_array_equal(reconstructed(begun, ball), reconstructed(shipped, ball))


def test_a_family_can_be_chosen_and_another_seed_needs_no_course(inputs: LearnedInputs) -> None:
    run = DetachedRun()
    post = generate(inputs, Params(**SHORT, family="post"), run)
    assert np.ptp(post.positions, axis=0).argmax() == 2
    assert [phase.name for phase in run.phases] == [
        "looking at the meshes",
        "learning",
        "inventing",
    ]
    again = DetachedRun(seed=1)
    board = generate(inputs, Params(**SHORT, family="board"), again)
    assert np.ptp(board.positions, axis=0).argmin() == 2
    assert [phase.name for phase in again.phases] == ["inventing"]


def test_a_course_that_was_cut_short_is_not_kept(inputs: LearnedInputs, tmp_path: Path) -> None:
    class Hasty(DetachedRun):
        def record(self, **metrics: float) -> None:
            super().record(**metrics)
            self.finish()

    run = Hasty()
    assert len(generate(inputs, Params(**SHORT), run).triangles) > 0
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_what_cannot_be_learned_is_told(inputs: LearnedInputs) -> None:
    with pytest.raises(InvalidScene, match="no meshes"):
        generate(LearnedInputs(region=REGION), Params(), DetachedRun())
    alone = LearnedInputs(region=REGION, meshes=(inputs.meshes[0],) * 3, workspace=inputs.workspace)
    with pytest.raises(UserError, match="One mesh is one shape"):
        generate(alone, Params(**SHORT), DetachedRun())
    with pytest.raises(InvalidParams, match="None of the meshes is a 'lamp'"):
        generate(inputs, Params(**SHORT, family="lamp"), DetachedRun())
