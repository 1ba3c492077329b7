# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: from points to the shape that the network knows and that fits best.

Many codes are tried, the best few are followed for some steps, and the best of those to the end.
It must not know files of points, or how codes are found.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.api import NothingReconstructed, Run
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned import weights
from lightkiln.learned.distances import fitting, network, pointset
from lightkiln.learned.distances.surface import Field, surface_of
from lightkiln.mesh.simplify import simplify

from . import SPEC, Params

BUILT_IN = Path(network.__file__).with_name("weights.safetensors")
PLACES, TRIED_AT, FOLLOWED_AT, FITTED_AT = 16_384, 96, 192, 512
"""Places of which the distance is known; those of a try, and of a step before and at the end."""
FOLLOWED, FOLLOWED_STEPS = 4, 40
STRANGE = 0.4
"""Per cent of the diagonal: the mean distance of points from the shape beyond which a warning is
due. Unseen things of the learned world stay below 0.25; upside down or turned they reach 0.5."""


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The shape, in the points' own coordinates; raises `InvalidScene`, `NothingReconstructed`."""
    points, frame = _placed(inputs, params, run)
    device = torch.device(run.device)
    known = _loaded(params, device)
    fit = found(known, _Sight(points, not params.part, run.seed, device), params.steps, run)
    residual = away(known, fit, points)
    run.record(residual=residual)
    if residual > STRANGE:
        run.warn(
            f"The points lie {residual:.1f} % of the diagonal off the best shape: they are noisy, "
            "or of a thing that the network does not know, or not upright with the front to -Y."
        )
    with run.phase("mesh", share=0.2):
        mesh = surface_of(field_of(known, fit), params.resolution)
        if len(mesh.triangles) == 0:
            raise NothingReconstructed(
                "The shape that fits the points best is empty.",
                hint="Check that the points are of one thing that the method knows.",
            )
        mesh = simplify(mesh, params.faces)
    positions = frame.from_cube(mesh.positions.astype(np.float64))
    return replace(mesh, positions=positions.astype(np.float32))


def found(known: network.AutoDecoder, sight: _Sight, steps: int, run: Run) -> fitting.Fit:
    """The best fit, after a search of three stages."""
    first = fitting.Search(steps=FOLLOWED_STEPS, moving=False)
    last = fitting.Search(steps=steps)
    with run.phase("starts", share=0.3):
        fit = fitting.starts(known, sight(TRIED_AT)(0), FOLLOWED)
        fit = fitting.fitted(known, fit, sight(FOLLOWED_AT), run.steps(first.steps), first).best(1)
    with run.phase("fit", share=0.5):
        return fitting.fitted(known, fit, sight(FITTED_AT), run.steps(last.steps), last)


def field_of(known: network.AutoDecoder, fit: fitting.Fit) -> Field:
    """The distance of the first of the shapes found, in the cube of the points."""

    def field(x: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        near = x.to(fit.codes)[None]
        return fitting.distances(known, fit.codes[:1], fit.moves[:1], near)[0]

    return field


def away(known: network.AutoDecoder, fit: fitting.Fit, points: Float[NDArray[Any], "n 3"]) -> float:
    """Mean |f| at the points, in per cent of their box's diagonal."""
    with torch.inference_mode():
        distances = field_of(known, fit)(torch.from_numpy(points).float())
    return 100.0 * float(distances.abs().mean()) / float(np.linalg.norm(np.ptp(points, axis=0)))


class _Sight:
    """Places whose distance the points tell, a few of them in each step."""

    def __init__(self, points: NDArray[Any], whole: bool, seed: int, device: torch.device) -> None:
        draw = np.random.default_rng(seed)
        all_of = pointset.places_of(points, draw, count=PLACES, whole=whole)
        self._places = torch.from_numpy(all_of.places).float().to(device)
        self._distances = torch.from_numpy(all_of.distances).float().to(device)
        self._is_signed = torch.from_numpy(all_of.is_signed).to(device)

    def __call__(self, count: int) -> Any:
        """What a step sees: `count` places, the next ones each time, round and round."""

        def seen(step: int) -> fitting.Seen:
            at = (torch.arange(count) + step * count) % len(self._places)
            parts = (self._places[at], self._distances[at], self._is_signed[at])
            return fitting.Seen(*(each[None] for each in parts))

        return seen


def _placed(
    inputs: LearnedInputs, params: Params, run: Run
) -> tuple[Float[NDArray[Any], "n 3"], pointset.Frame]:
    """Points in the cube, and where the cube stands."""
    assert inputs.points is not None  # the spec needs them
    points = pointset.checked(inputs.points)
    frame = pointset.frame_in(inputs.region) if params.part else pointset.frame_of(points)
    drawn = pointset.drawn(points, np.random.default_rng(run.seed))
    return frame.to_cube(drawn), frame


def _loaded(params: Params, device: torch.device) -> network.AutoDecoder:
    return weights.opened(network.AutoDecoder, SPEC.name, params.weights, BUILT_IN, device)[0]
