# SPDX-License-Identifier: GPL-3.0-or-later
"""The inner loops of baking, jitted: what a view says of points, which views are kept, the blend.

Notation: i numbers the views of a point; s_i its colour in a view, l_i the view's low band there,
w_i the view's weight. Layers of a view, (H, W, 8): s (3), l (3), depth of what is seen, trust.

    w   = trust · cos³θ · (f / z)²              pixels on the surface's area, frontal ones first
    L   = Σ ρ_i v_i l_i / Σ ρ_i v_i             v_i = w_i - the least kept, if views were left out
    c   = L + Σ h_i (s_i - l_i) / Σ h_i         h_i = ρ_i² (w_i / max w)^p
    ρ_i = 1 / (1 + |l_i - L|² / e²)             Cauchy's weights: a highlight or a hand is left out

So the low band is a mean of all views that know the place, and changes between views are nowhere
sharp; the high band comes from the best view, and nothing that lies a pixel beside is averaged in
(Burt and Adelson 1983; v_i: Buehler et al. 2001, section 4).
It must not know meshes or cameras.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightkiln.mesh.visibility import is_hidden

CHANNELS = 6
FRONT, TRUST = 6, 7
MAX_TANGENT = 8.0
"""Steeper surfaces than this say nothing anyway, and their slack would reach through walls."""
STEPS = (1, 2, 4, 8)
"""Pixels between the taps of the low band: a standard deviation of 6.5 pixels in all, some times
the cameras' errors."""
ROUNDS = 3
"""Of reweighting; the first starts from the median, which one wrong view of three cannot move."""
SOFTNESS = 25.0
"""e, in sRGB values to 255: shading and noise differ by less, another material by more."""
STEEPNESS = 8.0
"""p: a view with 80 % of the best one's weight has a sixth of its say in the high band."""


@njit(cache=True)
def observe(
    points: NDArray[Any],
    normals: NDArray[Any],
    camera: NDArray[Any],
    layers: NDArray[Any],
    colors: NDArray[Any],
    weights: NDArray[Any],
) -> None:
    """What a view says of points (T, 3): `colors` (T, 6) = (s, l) and `weights` (T,), 0 if unseen.

    `camera` (4, 4): camera_from_world in its first rows, then fx, fy, cx, cy.
    """
    height, width = layers.shape[:2]
    fx, fy, cx, cy = camera[3]
    centre = np.array([-(camera[:3, k] * camera[:3, 3]).sum() for k in range(3)])
    for t in range(len(points)):
        weights[t] = 0.0
        z = camera[2, 3]
        x, y = camera[0, 3], camera[1, 3]
        cosine, distance = 0.0, 0.0
        for k in range(3):
            x += camera[0, k] * points[t, k]
            y += camera[1, k] * points[t, k]
            z += camera[2, k] * points[t, k]
            way = centre[k] - points[t, k]
            cosine += way * normals[t, k]
            distance += way * way
        if z <= 0.0 or cosine <= 0.0:
            continue
        x, y = fx * x / z + cx, fy * y / z + cy
        if not (2.5 <= x < width - 2.5 and 2.5 <= y < height - 2.5):
            continue
        cosine /= math.sqrt(distance)
        tangent = min(math.sqrt(max(1.0 / cosine**2 - 1.0, 0.0)), MAX_TANGENT)
        if is_hidden(layers[:, :, FRONT], x, y, z, (1.0 + tangent) * z / fx):
            continue
        sample(layers, x - 0.5, y - 0.5, colors[t])
        weights[t] = layers[int(y), int(x), TRUST] * cosine**3 * (fx / z) ** 2


@njit(cache=True)
def sample(layers: NDArray[Any], x: float, y: float, color: NDArray[Any]) -> None:
    """Catmull and Rom's cubic through the pixels about (x, y), whose centres are whole numbers."""
    column, row = math.floor(x), math.floor(y)
    across, down = catmull_rom(x - column), catmull_rom(y - row)
    color[:] = 0.0
    for j in range(4):
        for i in range(4):
            weight = across[i] * down[j]
            for c in range(CHANNELS):
                color[c] += weight * layers[row - 1 + j, column - 1 + i, c]


@njit(cache=True)
def catmull_rom(t: float) -> tuple[float, float, float, float]:
    """Shares of four neighbours, for a place t in [0, 1] between the middle two."""
    return (
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )


@njit(cache=True)
def smoothed(image: NDArray[Any], depth: NDArray[Any], slope: float) -> NDArray[Any]:
    """The low band of an image (H, W, 3): the binomial 3 x 3 mean, its taps ever farther apart.

    Only pixels of the same surface are averaged: those whose `depth`, infinite off the object,
    differs by at most `slope` times the depth for each pixel between them (edge-avoiding wavelets,
    Fattal 2009). So nothing bleeds over the outline of what stands before something else.
    """
    height, width = depth.shape
    before, after = image.copy(), image.copy()
    for step in STEPS:
        for y in range(height):
            for x in range(width):
                if depth[y, x] == np.inf:
                    continue
                total = 0.0
                red = green = blue = 0.0
                for j in range(max(y - step, y % step), min(y + step + 1, height), step):
                    for i in range(max(x - step, x % step), min(x + step + 1, width), step):
                        if abs(depth[j, i] - depth[y, x]) <= slope * step * depth[y, x]:
                            weight = (2.0 if j == y else 1.0) * (2.0 if i == x else 1.0)
                            total += weight
                            red += weight * before[j, i, 0]
                            green += weight * before[j, i, 1]
                            blue += weight * before[j, i, 2]
                after[y, x, 0] = red / total
                after[y, x, 1] = green / total
                after[y, x, 2] = blue / total
        before, after = after, before
    return before


@njit(cache=True)
def keep_best(
    colors: NDArray[Any], weights: NDArray[Any], kept: NDArray[Any], kept_weights: NDArray[Any]
) -> None:
    """Put a view's word in the place of the least one in `kept` (T, K, 6) if it weighs more."""
    num_kept = kept_weights.shape[1]
    for t in range(len(weights)):
        least = 0
        for k in range(1, num_kept):
            if kept_weights[t, k] < kept_weights[t, least]:
                least = k
        if weights[t] > kept_weights[t, least]:
            kept_weights[t, least] = weights[t]
            for c in range(CHANNELS):
                kept[t, least, c] = min(max(round(colors[t, c]), 0), 255)


@njit(cache=True)
def blend(kept: NDArray[Any], weights: NDArray[Any], blended: NDArray[Any]) -> None:
    """Blend the kept views (T, K, 6) of each point into `blended` (T, 3), sRGB values to 255."""
    num_kept = weights.shape[1]
    agree = np.empty(num_kept)
    low = np.empty(3)
    for t in range(len(weights)):
        most = weights[t].max()
        if most <= 0.0:
            continue
        low_band(kept[t], weights[t], low, agree)
        blended[t] = 0.0
        total = 0.0
        for k in range(num_kept):
            share = agree[k] ** 2 * (weights[t, k] / most) ** STEEPNESS
            total += share
            for c in range(3):
                blended[t, c] += share * (float(kept[t, k, c]) - float(kept[t, k, 3 + c]))
        for c in range(3):
            blended[t, c] = low[c] + blended[t, c] / total


@njit(cache=True)
def low_band(
    kept: NDArray[Any], weights: NDArray[Any], low: NDArray[Any], agree: NDArray[Any]
) -> None:
    """The robust mean L (3,) of one point's views, and how far each agrees with it, ρ (K,)."""
    num_kept = len(weights)
    least = weights.min()
    if least > 0.999 * weights.max():
        least = 0.0  # all alike: leaving out the least would leave nothing
    known = weights > 0.0
    for c in range(3):
        low[c] = np.median(kept[:, 3 + c][known])
    for _ in range(ROUNDS):
        for k in range(num_kept):
            away = 0.0
            for c in range(3):
                away += (kept[k, 3 + c] - low[c]) ** 2
            agree[k] = 1.0 / (1.0 + away / SOFTNESS**2)
        total = 0.0
        low[:] = 0.0
        for k in range(num_kept):
            say = (weights[k] - least) * agree[k]
            total += say
            for c in range(3):
                low[c] += say * kept[k, 3 + c]
        low /= total
