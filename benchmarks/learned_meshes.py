# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of one photograph beside the true ones: distances, normals, and PIFu's colours.

It must not know pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Split, plan_of
from lightkiln.learned.world.samples import RADIUS
from lightkiln.learned.world.shards import things
from lightkiln.learned.world.things import thing
from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import camera_around
from lightkiln.methods import one_picture, r2n2
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.occupancy_network.infer import reconstruct as by_code
from lightkiln.methods.pifu.infer import reconstruct as by_pixels
from lightkiln.methods.r2n2.infer import reconstruct as by_voxels
from lightkiln.metrics.closest import sample
from lightkiln.metrics.images import psnr, ssim
from lightkiln.metrics.surface import evaluate
from lightkiln.metrics.transport import POINTS, earth_movers
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from benchmarks.learned_pictures import CUBE, facing

WHICH = (0, 5, 10)
"""Test things of a family."""
SAMPLES = 20_000
ASIDE, PIXELS = 1.0, 128
"""Radians that the other view stands beside the photograph's; pixels of a side."""
WHITE = 255.0

Figures = dict[str, list[float]]


def measured(world: Path) -> dict[str, float]:
    """Means over three things of each family."""
    plan, test = plan_of(world), things(world, Split.TEST)
    numbers = [number for number in range(plan.count) if number % 10 == 9]
    found: Figures = {}
    for index, family in enumerate(FAMILIES):
        for which in WHICH:
            at = int(np.flatnonzero(test.family == index)[which])
            truth = thing(family, numbers[which]).mesh
            faced = facing(truth, test.angles[at, :1, 0])
            _add(found, test.views[at, 0], truth, faced)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _add(found: Figures, picture: NDArray[Any], truth: TriangleMesh, faced: TriangleMesh) -> None:
    inputs = LearnedInputs(region=CUBE, images=(picture,))
    params = one_picture.Params(resolution=64, faces=20_000)
    made = {
        "occupancy": (by_code(inputs, params, DetachedRun()), faced),
        "pifu": (by_pixels(inputs, params, DetachedRun()), faced),
        "r2n2": (by_voxels(inputs, r2n2.Params(), DetachedRun()), truth),
    }
    for name, (mesh, true) in made.items():
        for measure, value in _compared(mesh, true).items():
            found.setdefault(f"{name}_{measure}", []).append(value)
    for measure, value in _seen(made["pifu"][0], faced).items():
        found.setdefault(f"pifu_{measure}", []).append(value)


def _compared(mesh: TriangleMesh, truth: TriangleMesh) -> dict[str, float]:
    """Lengths in per cent of the truth's diagonal."""
    scores = evaluate(mesh, truth, num_samples=SAMPLES)
    assert scores.normal_consistency is not None
    moved = earth_movers(sample(mesh, POINTS).points, sample(truth, POINTS, seed=1).points)
    return {
        "chamfer": 100.0 * scores.fraction(scores.chamfer),
        "f_score": scores.f_scores[-1],
        "normals": scores.normal_consistency,
        "emd": 100.0 * scores.fraction(moved),
    }


def _seen(mesh: TriangleMesh, truth: TriangleMesh) -> dict[str, float]:
    """Both from a side that the photograph does not show, on white."""
    camera = camera_around(np.zeros(3), RADIUS, ASIDE, 0.3, PIXELS)
    one, other = (_on_white(shade(each, camera, lit=True)) for each in (mesh, truth))
    return {"psnr": psnr(one, other), "ssim": ssim(one, other)}


def _on_white(picture: NDArray[Any]) -> NDArray[Any]:
    alpha = picture[..., 3:].astype(np.float32) / WHITE
    return np.asarray(alpha * picture[..., :3] + WHITE * (1.0 - alpha)).astype(np.uint8)
