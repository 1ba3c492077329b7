# SPDX-License-Identifier: GPL-3.0-or-later
"""How much brighter each photograph was taken than the others: one gain a view and channel.

Notation: y_it = log of the linear low-band colour that view i shows of point t; w_it its weight.
With x_i the logarithm of the view's gain and m_t the point's own colour,

    minimise  Σ_it ρ_it w_it (y_it - x_i - m_t)² + λ Σ_i x_i²                                   (1)

m_t is eliminated: m_t = Σ_i ω_it (y_it - x_i), ω = ρ w / Σ_i ρ w, which leaves a symmetric system
in x. ρ are Cauchy's weights: highlights and shadows that wander are no exposure. λ keeps views
that share nothing with others as they are, and the mean gain at one.
It must not know images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from lightkiln.ops.colors import linear_from_srgb, srgb_from_linear

DARK, BRIGHT = 12.0, 248.0
"""sRGB values between which a pixel tells a ratio: darker ones are noise, brighter ones are cut."""
SOFTNESS = 0.15
"""Of Cauchy's weights, in units of the logarithm: shading differs by less between two views."""
ROUNDS = 6
MOST = 3.0
"""No gain is beyond this factor: two views that differ more share no surface."""
RIDGE = 1e-3
"""λ, as a share of the mean diagonal."""


def solve_gains(
    srgb: Float[NDArray[Any], "N T 3"], weights: Float[NDArray[Any], "N T"]
) -> Float[NDArray[Any], "N 3"]:
    """Gains by which the views' linear colours exceed the common ones; srgb to 255."""
    usable = ((srgb > DARK) & (srgb < BRIGHT)).all(axis=-1)
    weights = np.where(usable, weights, 0.0).astype(np.float64)
    shared = (weights > 0.0).sum(axis=0) >= 2
    if not shared.any():
        return np.ones((len(srgb), 3))
    weights = weights[:, shared]
    weights /= weights.max(axis=0)  # every point counts alike, near or far
    logs = np.log(linear_from_srgb(np.maximum(srgb[:, shared], 1.0) / 255.0))
    solved = np.stack([_solve(logs[..., c], weights) for c in range(3)], axis=-1)
    return np.asarray(np.exp(np.clip(solved, -np.log(MOST), np.log(MOST))))


def compensation(gains: Float[NDArray[Any], " 3"]) -> Float[NDArray[Any], "256 3"]:
    """For each byte and channel the sRGB value, to 255, without the view's gain."""
    linear = linear_from_srgb(np.arange(256) / 255.0)
    return 255.0 * srgb_from_linear(linear[:, None] / gains)


def _solve(logs: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    x = np.zeros(len(logs))
    trusted = weights
    for _ in range(ROUNDS):
        total = trusted.sum(axis=0)
        share = trusted / total
        matrix = np.diag(trusted.sum(axis=1)) - trusted @ share.T
        matrix += RIDGE * max(float(np.trace(matrix)) / len(x), 1e-12) * np.eye(len(x))
        mean = (share * logs).sum(axis=0)
        x = np.linalg.solve(matrix, (trusted * (logs - mean)).sum(axis=1))
        corrected = logs - x[:, None]
        residual = corrected - (share * corrected).sum(axis=0)
        trusted = weights / (1.0 + (residual / SOFTNESS) ** 2)
    return np.asarray(x - x.mean())
