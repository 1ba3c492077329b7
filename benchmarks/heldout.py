# SPDX-License-Identifier: GPL-3.0-or-later
"""PSNR of a method's own pictures at cameras that it never saw.

The method is run in this process, so that its renderer can be asked after its last step: what is
judged is the fitted field, not the mesh. It must not know how figures are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.transforms import read
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.registry import load_entry, params_for, spec_named
from lightkiln.metrics.images import psnr
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measure import SEED, Case


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Decibels, means over the views that were held out."""

    scene: str
    method: str
    preset: str
    object_psnr: float
    """Over the object's pixels only."""
    frame_psnr: float
    """Over the whole frame, both pictures laid over white."""


def measure_heldout(case: Case, scenes: Path, pictures: Path) -> HeldOut:
    """Fit the scene's views, render the others; the pairs are saved side by side."""
    folder = scenes / case.scene
    spec, run = spec_named(case.method), DetachedRun(seed=SEED)
    load_entry(spec)(load_inputs(*open_scene(folder)), params_for(spec, case.preset, {}), run)
    scores, pairs = [], []
    for photo in read(folder / "transforms_heldout.json").photos:
        rendered = run.render(photo.camera)
        if rendered is None:
            raise RuntimeError(f"{case.method} offers no pictures")
        truth = np.asarray(Image.open(photo.image).convert("RGBA"))
        ours = _fitted(rendered.pixels, truth)
        scores.append(_scores(ours, truth))
        pairs.append(np.hstack([_over_white(ours), _over_white(truth)]))
    Image.fromarray(np.vstack(pairs)).save(pictures / f"{case.name}.heldout.png")
    inside, whole = np.mean(scores, axis=0)
    return HeldOut(
        scene=case.scene,
        method=case.method,
        preset=case.preset,
        object_psnr=round(float(inside), 2),
        frame_psnr=round(float(whole), 2),
    )


def _scores(ours: NDArray[Any], truth: NDArray[Any]) -> tuple[float, float]:
    """Over the object's pixels and overall; both lie over white, so that a hole in ours counts."""
    mine, theirs = _over_white(ours), _over_white(truth)
    return psnr(mine, theirs, truth[..., 3] > 127), psnr(mine, theirs)


def _fitted(pixels: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    """A picture at the truth's resolution: a preview may have been made smaller."""
    size = truth.shape[1::-1]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _over_white(pixels: NDArray[Any]) -> NDArray[Any]:
    alpha = pixels[..., 3:].astype(np.float64) / 255.0
    return np.asarray(np.rint(pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)), dtype=np.uint8)
