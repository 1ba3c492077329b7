# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared scene must itself be true: pictures and geometry know nothing of each other."""

from __future__ import annotations

import numpy as np
from lightkiln_shared.camera import project
from PIL import Image
from synthetic import SyntheticScene


def test_the_true_mesh_lies_on_the_surface_and_inside_every_silhouette(
    synthetic_scene: SyntheticScene,
) -> None:
    positions = synthetic_scene.mesh.positions.astype(np.float64)
    assert np.abs(synthetic_scene.sdf(positions)).max() < 1e-6
    for index, camera in enumerate(synthetic_scene.cameras):
        image = Image.open(synthetic_scene.folder / f"images/view_{index:02}.png")
        alpha = np.asarray(image)[..., 3] > 0
        pixels, depth = project(camera, positions)
        column, row = np.floor(pixels).astype(int).T
        assert depth.min() > 0.0
        # Alpha is sampled sixteen times a pixel, so a silhouette may just miss the samples.
        assert alpha[row, column].mean() > 0.995
        covered = np.unique(row * camera.width + column).size
        assert covered > 0.97 * alpha.sum()
