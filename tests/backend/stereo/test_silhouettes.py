# SPDX-License-Identifier: GPL-3.0-or-later
"""Without masks silhouettes are found, where the photographs allow it and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import synthetic
from lightkiln.capture.inputs import Inputs, LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.stereo import hull
from lightkiln.stereo.depth_maps import Enclosure
from lightkiln.stereo.silhouettes import found, sharpened
from lightkiln.stereo.views import GreyView, prepare
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage


def before_a_wall(inputs: Inputs, color: NDArray[np.float64]) -> list[LoadedView]:
    """The views without their masks, on backgrounds of patches of about one colour."""
    draw = np.random.default_rng(0)
    views = []
    for view in inputs.views:
        assert view.mask is not None
        height, width = view.mask.shape
        patches = (draw.normal(color, 12.0, size=(12, 12, 3))).clip(0, 255).astype(np.uint8)
        wall = np.asarray(
            Image.fromarray(patches).resize((width, height), Image.Resampling.NEAREST)
        )
        share = view.mask[..., None]
        image = np.rint(share * view.image + (1.0 - share) * wall).astype(np.uint8)
        views.append(replace(view, image=image, mask=None))
    return views


def test_silhouettes_before_a_mottled_wall_are_found(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    views = before_a_wall(inputs, np.array([60.0, 90.0, 40.0]))
    masked = found(views, inputs.region)
    assert masked is not None
    assert mean_overlap(masked, inputs) > 0.93


def test_where_cuts_cannot_agree_nothing_is_believed(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    draw = np.random.default_rng(1)
    noise = [
        replace(view, image=draw.integers(256, size=view.image.shape, dtype=np.uint8), mask=None)
        for view in inputs.views
    ]
    assert found(noise, inputs.region) is None


def test_what_has_the_background_s_own_colour_stays_where_a_surface_was_seen(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    color = np.array([60.0, 90.0, 40.0])
    views = [half_hidden(view, color) for view in before_a_wall(inputs, color)]
    first = found(views, inputs.region)
    masked = [prepare(view, 128) for view in inputs.views]
    solid = enclosed(masked, inputs)
    seen = [view.mask > 0.5 for view in masked if view.mask is not None]
    cut = sharpened(views, solid, seen)
    if first is not None:
        assert mean_overlap(cut, inputs) > mean_overlap(first, inputs) + 0.05
    # In 96 pixels the four at the edge that it may lose are a tenth of the object.
    assert mean_overlap(cut, inputs) > 0.85


def test_a_strip_of_background_that_nobody_saw_a_surface_in_is_cut_off(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    """First cuts that all keep a border leave a solid that is too large by it."""
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    views = before_a_wall(inputs, np.array([60.0, 90.0, 40.0]))
    masked = [prepare(view, 128) for view in inputs.views]
    true = [view.mask > 0.5 for view in masked if view.mask is not None]
    wide = [ndimage.binary_dilation(mask, iterations=8) for mask in true]
    solid = enclosed(
        [replace(view, mask=m.astype(np.float32)) for view, m in zip(masked, wide, strict=True)],
        inputs,
    )
    by_chance, by_sight = sharpened(views, solid, wide), sharpened(views, solid, true)
    assert mean_overlap(by_sight, inputs) > mean_overlap(by_chance, inputs) + 0.02
    assert mean_overlap(by_sight, inputs) > 0.9


def half_hidden(view: LoadedView, color: NDArray[np.float64]) -> LoadedView:
    """The view, its upper half painted with the background's mean colour."""
    image = view.image.copy()
    image[: len(image) // 2] = color.astype(np.uint8)
    return replace(view, image=image)


def mean_overlap(cut: Sequence[GreyView], inputs: Inputs) -> float:
    """Of the cuts and the true masks: intersection over union."""
    overlaps = []
    for view, small in zip(inputs.views, cut, strict=True):
        assert small.mask is not None and view.mask is not None
        size = (small.camera.width, small.camera.height)
        true = np.asarray(Image.fromarray(view.mask).resize(size, Image.Resampling.BOX)) > 0.5
        ours = small.mask > 0.5
        overlaps.append((ours & true).sum() / (ours | true).sum())
    return float(np.mean(overlaps))


def enclosed(masked: Sequence[GreyView], inputs: Inputs) -> Enclosure:
    place, distance = hull.enclose(masked, inputs.region, 64)
    return Enclosure(lattice=place, distance=distance)
