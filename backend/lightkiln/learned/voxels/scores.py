# SPDX-License-Identifier: GPL-3.0-or-later
"""How good voxels are as a set, against a set of real things.

Of a generator's set, with the intersection over union as likeness (Achlioptas et al. 2018,
arXiv:1707.02392, section 4): coverage is the share of the real things that are the nearest one of
some sample; matching is the mean, over the real things, of the likeness of their nearest sample.
Coverage falls when modes are missing, matching when samples are bad. It must not know networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray


def likeness(
    a: Bool[NDArray[Any], "n side side side"], b: Bool[NDArray[Any], "m side side side"]
) -> Float[NDArray[Any], "n m"]:
    """Intersection over union of each of the ones with each of the others."""
    left = a.reshape(len(a), -1).astype(np.float32)
    right = b.reshape(len(b), -1).astype(np.float32)
    both = left @ right.T
    either = left.sum(axis=1)[:, None] + right.sum(axis=1)[None] - both
    return np.where(either > 0.0, both / np.maximum(either, 1.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScores:
    """A set of samples beside real things."""

    coverage: float
    matching: float
    occupancy: float
    """Occupied share of the samples' voxels."""
    similarity: float
    """Of two of the samples to each other, on average: near 1 when all of them are the same."""


def set_scores(
    samples: Bool[NDArray[Any], "n side side side"], real: Bool[NDArray[Any], "m side side side"]
) -> SetScores:
    """Two samples at least."""
    alike = likeness(samples, real)
    among = likeness(samples, samples)
    others = ~np.eye(len(samples), dtype=bool)
    return SetScores(
        coverage=len(np.unique(alike.argmax(axis=1))) / len(real),
        matching=float(alike.max(axis=0).mean()),
        occupancy=float(samples.mean()),
        similarity=float(among[others].mean()),
    )
