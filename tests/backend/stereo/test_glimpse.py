# SPDX-License-Identifier: GPL-3.0-or-later
"""The first picture shows the object as a photograph from there would."""

from __future__ import annotations

import numpy as np
import synthetic
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.ops.picture import PREVIEW_PIXELS
from lightkiln.stereo.estimate import enclose
from lightkiln.stereo.glimpse import glimpse
from lightkiln.stereo.views import prepare
from lightkiln_shared.camera import scaled


def test_a_left_out_photograph_is_foretold_by_the_others(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    out, *others = inputs.views
    solid = enclose([prepare(view, 200) for view in others], inputs.region, 64)
    shown = glimpse(solid, others, out.camera).pixels
    assert out.mask is not None
    alpha = shown[..., 3] > 0
    assert np.mean(alpha == (out.mask > 0.5)) > 0.97
    both = alpha & (out.mask > 0.5)
    error = np.abs(shown[..., :3].astype(float) - out.image)[both]
    plain = np.abs(out.image - out.image[both].mean(axis=0))[both]
    assert np.median(error) < 0.5 * np.median(plain)


def test_a_large_window_costs_no_more(synthetic_scene: synthetic.SyntheticScene) -> None:
    inputs = load_inputs(*open_scene(synthetic_scene.folder))
    solid = enclose([prepare(view, 100) for view in inputs.views], inputs.region, 32)
    large = scaled(inputs.views[0].camera, 4000, 4000)
    shown = glimpse(solid, inputs.views, large)
    height, width = shown.pixels.shape[:2]
    assert (shown.camera.width, shown.camera.height) == (width, height)
    assert width * height <= 1.02 * PREVIEW_PIXELS
