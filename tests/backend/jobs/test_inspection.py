# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of scenes of which a part cannot be right: what is left out, mended and told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic
from lightkiln.capture.inputs import Inputs, LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.jobs.inspection import inspected
from lightkiln_shared.errors import InvalidScene, NothingReconstructed
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray


@pytest.fixture(scope="module")
def inputs(synthetic_scene: synthetic.SyntheticScene) -> Inputs:
    return load_inputs(*open_scene(synthetic_scene.folder))


def look(inputs: Inputs) -> tuple[Inputs, list[str]]:
    told: list[str] = []
    return inspected(inputs, True, told.append), told


def with_mask(inputs: Inputs, index: int, mask: NDArray[np.float32] | None) -> Inputs:
    views = list(inputs.views)
    views[index] = replace(views[index], mask=mask)
    return replace(inputs, views=tuple(views))


def box(half: float, aside: float = 0.0) -> Region:
    placed = np.diag([half, half, half, 1.0])
    placed[:3, 3] = synthetic.LOOK_AT + np.array([aside, 0.0, 0.0])
    return Region(shape=RegionShape.BOX, world_from_region=placed)


def names(views: tuple[LoadedView, ...]) -> set[str]:
    return {view.name for view in views}


def test_a_scene_without_faults_is_left_as_it_is(inputs: Inputs) -> None:
    seen, told = look(inputs)
    assert told == []
    assert seen.region is inputs.region
    assert all(one is other for one, other in zip(seen.views, inputs.views, strict=True))


@pytest.mark.parametrize("kind", ["inside out", "moved", "half", "another's"])
def test_a_wrong_mask_is_found_and_its_photograph_left_out(inputs: Inputs, kind: str) -> None:
    mask, other = inputs.views[5].mask, inputs.views[12].mask
    assert mask is not None
    assert other is not None
    half = mask.copy()
    half[: len(mask) // 2] = 0.0
    wrong = {
        "inside out": 1.0 - mask,
        "moved": np.roll(mask, 16, axis=1),
        "half": half,
        "another's": other,
    }[kind]
    seen, told = look(with_mask(inputs, 5, wrong))
    assert told == [f"Left out, for their masks do not fit the others: {inputs.views[5].name}."]
    assert names(inputs.views) - names(seen.views) == {inputs.views[5].name}


def test_a_view_that_alone_has_no_mask_is_left_out(inputs: Inputs) -> None:
    seen, told = look(with_mask(inputs, 3, None))
    assert told == [f"Without a mask, and left out: {inputs.views[3].name}."]
    assert seen.has_masks
    assert len(seen.views) == len(inputs.views) - 1


def test_a_region_that_cuts_the_object_is_told(inputs: Inputs) -> None:
    seen, told = look(replace(inputs, region=box(0.7, aside=0.8)))
    assert len(told) == 1
    assert told[0].startswith("The region cuts the object: ")
    assert len(seen.views) == len(inputs.views)


def test_a_region_beside_the_object_ends_the_run(inputs: Inputs) -> None:
    with pytest.raises((InvalidScene, NothingReconstructed), match="masks"):
        look(replace(inputs, region=box(0.4, aside=1.6)))


@pytest.mark.parametrize("masked", [True, False])
def test_a_region_that_holds_the_cameras_is_replaced(inputs: Inputs, masked: bool) -> None:
    views = inputs.views if masked else tuple(replace(view, mask=None) for view in inputs.views)
    seen, told = look(replace(inputs, views=views, region=box(4.0)))
    assert told == [
        "The region holds 16 of 16 cameras: "
        "the part of space that most of them look at is used instead."
    ]
    reach = np.abs(seen.region.world_from_region[:3, :3]).max()
    assert synthetic.RADII.max() < reach < 1.5


def test_few_photographs_are_told(inputs: Inputs) -> None:
    _, told = look(replace(inputs, views=inputs.views[:4]))
    assert any(text.startswith("Only 4 photographs") for text in told)
