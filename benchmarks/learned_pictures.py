# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that look at one picture, beside what any of them must beat. It must not know pages.

Thresholds were chosen on the validation things, those of the networks when they were taught.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures import answers, frames, scores
from lightkiln.learned.pictures.baselines import mean_shape, nearest_by_pixels
from lightkiln.learned.pictures.material import Draw, Material, every, material
from lightkiln.learned.pictures.occupancy_lesson import asked as by_code
from lightkiln.learned.pictures.pifu_lesson import asked as by_pixels
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Split, plan_of
from lightkiln.learned.world.shards import things
from lightkiln.learned.world.things import thing
from lightkiln.methods import r2n2
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.occupancy_network.infer import reconstruct as reconstruct_by_code
from lightkiln.methods.one_picture import Params
from lightkiln.methods.pifu.infer import reconstruct as reconstruct_by_pixels
from lightkiln.methods.r2n2.infer import reconstruct as reconstruct_by_voxels
from lightkiln.metrics.voxels import iou
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

from benchmarks.learned_sheet import Cell, picture_cell, shaded

CPU = torch.device("cpu")
SHOWN = (3, 5)
"""Which test things of a family are shown; the second only of those with thin parts."""
THIN = ("chair", "mug", "plane")
CUBE = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))


def measured(world: Path) -> dict[str, float]:
    """IoU at 32³ on the test things, one picture each."""
    taught, kept, test = (material(things(world, split)) for split in Split)
    onet, pifu = (answers.opened(name, "", CPU) for name in (answers.OCCUPANCY, answers.PIFU))
    one, four = every(test), every(test, 4)
    mean, nearest = mean_shape(taught), nearest_by_pixels(taught, test)
    chosen, _ = scores.best_threshold(*scores.chances(kept, every(kept), mean))
    known = nearest_by_pixels(taught, kept)
    chosen_nearest, _ = scores.best_threshold(*scores.chances(kept, every(kept), known))
    return {
        "count": float(len(one.thing)),
        "mean_shape": _iou(test, one, mean, chosen),
        "nearest": _iou(test, one, nearest, chosen_nearest),
        "occupancy": _iou(test, one, by_code(onet.network, test), onet.threshold),
        "pifu": _iou(test, one, by_pixels(pifu.network, test), pifu.threshold),
        "pifu_guessed": _iou(
            test, one, by_pixels(pifu.network, test, guessed=True), pifu.threshold
        ),
        "pifu_four": _iou(test, four, by_pixels(pifu.network, test), pifu.threshold),
    }


def rows(world: Path, photographs: list[NDArray[Any]]) -> list[tuple[str, list[Cell]]]:
    """Picture, truth from another side, both networks; then real photographs without a truth."""
    plan, test = plan_of(world), things(world, Split.TEST)
    numbers = [number for number in range(plan.count) if number % 10 == 9]
    found = []
    for index, family in enumerate(FAMILIES):
        for which in SHOWN if family in THIN else SHOWN[:1]:
            at = int(np.flatnonzero(test.family == index)[which])
            truth = facing(thing(family, numbers[which]).mesh, test.angles[at, :1, 0])
            found.append((family, [*_seen(test.views[at, 0]), shaded(truth)]))
    found += [("a photograph", _seen(each)) for each in photographs]
    return found


def _iou(test: Material, chosen: Draw, asked: scores.Asked, threshold: float) -> float:
    chance, truth = scores.chances(test, chosen, asked)
    return float(iou(chance > threshold, truth).mean())


def _seen(picture: NDArray[Any]) -> list[Cell]:
    inputs = LearnedInputs(region=CUBE, images=(picture,))
    params = Params(resolution=64, faces=20_000)
    return [
        picture_cell(picture),
        shaded(reconstruct_by_code(inputs, params, DetachedRun())),
        shaded(reconstruct_by_pixels(inputs, params, DetachedRun())),
        shaded(reconstruct_by_voxels(inputs, r2n2.Params(), DetachedRun())),
    ]


def facing(mesh: TriangleMesh, azimuth: NDArray[Any]) -> TriangleMesh:
    """The truth as it faces the camera, the frame in which the networks answer."""
    assert mesh.normals is not None
    turned = (frames.facing(each[None].astype(float), azimuth)[0] for each in _vectors(mesh))
    positions, normals = (each.astype(np.float32) for each in turned)
    return TriangleMesh(
        positions=positions, triangles=mesh.triangles, normals=normals, colors=mesh.colors
    )


def _vectors(mesh: TriangleMesh) -> tuple[NDArray[Any], NDArray[Any]]:
    assert mesh.normals is not None
    return mesh.positions, mesh.normals
