# SPDX-License-Identifier: GPL-3.0-or-later
"""The recurrent network by kernel, cell and number of pictures, beside what it must beat.

The protocol of the study that it repeats: of each ten things eight are taught; IoU and
cross-entropy are of all voxels, from the first pictures of every thing. It must not know pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln.learned import weights
from lightkiln.learned.pictures import r2n2_lesson, scores
from lightkiln.learned.pictures.answers import R2N2, built_in
from lightkiln.learned.pictures.baselines import small
from lightkiln.learned.pictures.material import Material, every, material
from lightkiln.learned.pictures.r2n2 import SIDE, R2n2
from lightkiln.learned.world.plan import Split
from lightkiln.learned.world.shards import things, unpacked
from lightkiln.metrics.voxels import iou
from numpy.typing import NDArray

VIEWS = range(1, 6)
CPU = torch.device("cpu")


def measured(world: Path, others: Sequence[Path]) -> dict[str, Any]:
    """Figures of the shipped one and of others' files, and of both baselines."""
    taught, kept, test = (material(things(world, split)) for split in Split)
    found: dict[str, Any] = {
        "shipped": _scored(built_in(R2N2), test),
        **_baselines(taught, kept, test),
    }
    if others:
        found["table"] = "\n".join(_row(path, test) for path in others)
    return found


def _scored(path: Path, test: Material) -> dict[str, float]:
    """`iou1` ... and `ce1` ... by the number of pictures, at validation's threshold."""
    network, about = weights.opened(R2n2, R2N2, str(path), path, CPU)
    found = {"gru": float(about.size.get("gru", 0)), "kernel": float(about.size.get("kernel", 3))}
    for views in VIEWS:
        chance, truth = r2n2_lesson.chances(network, test, views)
        filled = chance > about.figures["threshold"]
        found[f"iou{views}"] = float(iou(filled, truth).mean())
        found[f"ce{views}"] = r2n2_lesson.cross_entropy(chance, truth)
    return found


def _row(path: Path, test: Material) -> str:
    """Of the page's table."""
    figures = _scored(path, test)
    kind = f"{'GRU' if figures['gru'] else 'LSTM'}, {figures['kernel']:.0f}³"
    seed = "1" if path.parent.name.endswith("s1") else "0"
    ious = " | ".join(f"{figures[f'iou{views}']:.3f}" for views in VIEWS)
    return f"| {kind} | {seed} | {ious} | {figures['ce1']:.4f} | {figures['ce5']:.4f} |"


def _baselines(taught: Material, kept: Material, test: Material) -> dict[str, float]:
    """The mean training shape, and that of the nearest training picture, in their own frame."""
    shapes = unpacked(taught.things.voxels32, SIDE)
    mean = shapes.mean(axis=0)
    judged = [unpacked(each.things.voxels32, SIDE) for each in (kept, test)]
    flat = [each.reshape(len(each), -1) for each in judged]
    at, _ = scores.best_threshold(np.tile(mean.reshape(1, -1), (len(flat[0]), 1)), flat[0])
    nearest = shapes[_nearest(taught, test)]
    return {
        "mean_shape": float(iou(np.tile(mean > at, (len(judged[1]), 1, 1, 1)), judged[1]).mean()),
        "nearest": float(iou(nearest, judged[1]).mean()),
    }


def _nearest(taught: Material, test: Material) -> NDArray[Any]:
    """Of each test thing, the training thing with the picture that differs least from its first."""
    views = taught.windows.shape[1]
    known, wanted = small(taught, every(taught, views)), small(test, every(test))
    away = ((wanted[:, None] - known[None]) ** 2).sum(axis=-1)
    return np.asarray(away.argmin(axis=1) // views)
