# SPDX-License-Identifier: GPL-3.0-or-later
"""Plane sweep with zero-mean normalised cross-correlation (numba).

Planes of equal inverse depth are swept through the reference's view; each source is warped by the
plane's homography, H + w e (0, 0, 1), and compared in 7 x 7 windows whose sums are taken by
columns and rows (Collins, "A space-sweep approach to true multi-image matching", CVPR 1996). A
plane's score is the mean of its two best sources. The work goes in blocks that fit the nearest
cache; `stereo_sweep_torch` is the readable twin. It must not know what the planes hit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .stereo_patch import LEAST_VARIANCE, RADIUS, Bundle

SAMPLES = (2 * RADIUS + 1) ** 2
BLOCK = 32
PADDED = BLOCK + 2 * RADIUS
UNSEEN = np.float32(2.0)
"""Grey that no image has: a sample outside a source's image."""


@njit(cache=True, parallel=True, error_model="numpy")
def sweep(
    bundle: Bundle, planes: NDArray[Any], near: NDArray[Any], far: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The best inverse depth and its score, both (H, W) float32; 0 where nothing was found.

    `planes` (P,) float32 are inverse depths, evenly spaced and rising; a pixel looks at those
    between its `far` and `near` (H, W), inverse depths too, 0 where there is no object. The best
    one is refined by the parabola through its score and its two neighbours'.
    """
    height, width = bundle.reference.shape
    inverse_depth = np.zeros((height, width), np.float32)
    scores = np.zeros((height, width), np.float32)
    across = (width + BLOCK - 1) // BLOCK
    for block in prange(across * ((height + BLOCK - 1) // BLOCK)):
        top, left = (block // across) * BLOCK, (block % across) * BLOCK
        rows, columns = min(BLOCK, height - top), min(BLOCK, width - left)
        _sweep_block(
            bundle,
            planes,
            near[top : top + rows, left : left + columns],
            far[top : top + rows, left : left + columns],
            (top, left),
            inverse_depth[top : top + rows, left : left + columns],
            scores[top : top + rows, left : left + columns],
        )
    return inverse_depth, scores


@njit(cache=True, error_model="numpy")
def _sweep_block(
    bundle: Bundle,
    planes: NDArray[Any],
    near: NDArray[Any],
    far: NDArray[Any],
    corner: tuple[int, int],
    inverse_depth: NDArray[Any],
    scores: NDArray[Any],
) -> None:
    highest = near.max()
    if highest <= 0.0:
        return
    spacing = planes[1] - planes[0]
    lowest = np.where(near > 0.0, far, highest).min()
    reference = _reference(bundle, corner)
    warped = np.empty((PADDED, PADDED), np.float32)
    before = np.zeros((BLOCK, BLOCK), np.float32)
    now, second = np.zeros((BLOCK, BLOCK), np.float32), np.zeros((BLOCK, BLOCK), np.float32)
    curve = np.zeros((3, BLOCK, BLOCK), np.float32)
    place = np.full((BLOCK, BLOCK), -2, np.int32)
    for k in range(len(planes)):
        if not lowest - 2 * spacing <= planes[k] <= highest + 2 * spacing:
            continue
        now[:], second[:] = 0.0, 0.0
        for s in range(len(bundle.sources)):
            _warp(bundle, s, planes[k], corner, warped)
            _correlate(reference, warped, now, second)
        _keep(near, far, planes, k, (now, second, before), (curve, place))
    _refine(planes, curve, place, inverse_depth, scores)


@njit(cache=True, error_model="numpy")
def _reference(bundle: Bundle, corner: tuple[int, int]) -> NDArray[Any]:
    """The block's reference: grey (padded), then means and inverse deviations of its windows."""
    height, width = bundle.reference.shape
    out = np.zeros((3, PADDED, PADDED), np.float32)
    for r in range(PADDED):
        for c in range(PADDED):
            row = min(max(corner[0] + r - RADIUS, 0), height - 1)
            column = min(max(corner[1] + c - RADIUS, 0), width - 1)
            out[0, r, c] = bundle.reference[row, column]
    sums = np.empty((BLOCK, BLOCK), np.float32)
    _box(out[0], sums)
    squares = np.empty((BLOCK, BLOCK), np.float32)
    _box(out[0] * out[0], squares)
    for r in range(BLOCK):
        for c in range(BLOCK):
            mean = sums[r, c] / SAMPLES
            variance = squares[r, c] / SAMPLES - mean * mean
            out[1, r, c] = mean
            out[2, r, c] = 1.0 / np.sqrt(variance) if variance > LEAST_VARIANCE else 0.0
    return out


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _warp(bundle: Bundle, s: int, w: float, corner: tuple[int, int], warped: NDArray[Any]) -> None:
    """Fill `warped` with what source s shows of the plane; UNSEEN outside its image."""
    h, e, image = bundle.homographies[s], bundle.epipoles[s], bundle.sources[s]
    last_column, last_row = bundle.sizes[s, 0], bundle.sizes[s, 1]
    for r in range(PADDED):
        row = np.float32(corner[0] + r - RADIUS)
        x0 = h[0, 1] * row + h[0, 2] + e[0] * w
        y0 = h[1, 1] * row + h[1, 2] + e[1] * w
        z0 = h[2, 1] * row + h[2, 2] + e[2] * w
        for c in range(PADDED):
            column = np.float32(corner[1] + c - RADIUS)
            inverse = np.float32(1.0) / (z0 + h[2, 0] * column)
            x, y = (x0 + h[0, 0] * column) * inverse, (y0 + h[1, 0] * column) * inverse
            seen = inverse > 0.0 and 0.0 <= x < last_column and 0.0 <= y < last_row
            i, j = (np.int32(x), np.int32(y)) if seen else (np.int32(0), np.int32(0))
            p, q = x - np.float32(i), y - np.float32(j)
            above = image[j, i] + p * (image[j, i + 1] - image[j, i])
            below = image[j + 1, i] + p * (image[j + 1, i + 1] - image[j + 1, i])
            warped[r, c] = above + q * (below - above) if seen else UNSEEN


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _correlate(
    reference: NDArray[Any], warped: NDArray[Any], best: NDArray[Any], second: NDArray[Any]
) -> None:
    """Enter one source's correlations into the two best. fastmath: sums may be taken in vectors."""
    sums = np.empty((BLOCK, BLOCK), np.float32)
    squares = np.empty((BLOCK, BLOCK), np.float32)
    crosses = np.empty((BLOCK, BLOCK), np.float32)
    _box(warped, sums)
    _box(warped * warped, squares)
    _box(warped * reference[0], crosses)
    share = np.float32(1.0 / SAMPLES)
    for r in range(BLOCK):
        for c in range(BLOCK):
            mean = sums[r, c] * share
            variance = squares[r, c] * share - mean * mean
            cross = crosses[r, c] * share - mean * reference[1, r, c]
            # A window with one unseen sample has a variance of more than any grey can have.
            usable = variance > LEAST_VARIANCE
            deviation = np.sqrt(variance) if usable else np.float32(1.0)
            value = cross * reference[2, r, c] / deviation if usable else np.float32(0.0)
            second[r, c] = max(second[r, c], min(best[r, c], value))
            best[r, c] = max(best[r, c], value)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _box(image: NDArray[Any], out: NDArray[Any]) -> None:
    """Sums over 7 x 7 windows of the padded block."""
    line = np.empty(PADDED, np.float32)
    for r in range(BLOCK):
        line[:] = image[r]
        for j in range(1, 2 * RADIUS + 1):
            for c in range(PADDED):
                line[c] += image[r + j, c]
        for c in range(BLOCK):
            out[r, c] = (
                line[c]
                + line[c + 1]
                + line[c + 2]
                + line[c + 3]
                + line[c + 4]
                + line[c + 5]
                + line[c + 6]
            )


@njit(cache=True, error_model="numpy")
def _keep(
    near: NDArray[Any], far: NDArray[Any], planes: NDArray[Any], k: int, levels: Any, found: Any
) -> None:
    """Keep each pixel's best plane so far and the scores of that plane's neighbours."""
    now, second, before = levels
    curve, place = found
    slack = planes[1] - planes[0]
    for r in range(near.shape[0]):
        for c in range(near.shape[1]):
            value = np.float32(0.5) * (now[r, c] + second[r, c])
            if place[r, c] == k - 1:
                curve[2, r, c] = value
            allowed = far[r, c] - slack <= planes[k] <= near[r, c] + slack
            if allowed and value > curve[1, r, c]:
                curve[0, r, c], curve[1, r, c] = before[r, c], value
                curve[2, r, c] = 0.0
                place[r, c] = k
            before[r, c] = value


@njit(cache=True, error_model="numpy")
def _refine(
    planes: NDArray[Any],
    curve: NDArray[Any],
    place: NDArray[Any],
    inverse_depth: NDArray[Any],
    scores: NDArray[Any],
) -> None:
    """Write the vertices of the parabolas."""
    spacing = planes[1] - planes[0]
    for r in range(scores.shape[0]):
        for c in range(scores.shape[1]):
            if place[r, c] >= 0:
                left, middle, right = curve[0, r, c], curve[1, r, c], curve[2, r, c]
                bend = left - 2.0 * middle + right
                shift = 0.5 * (left - right) / bend if bend < -1e-6 else 0.0  # flat: stay
                inverse_depth[r, c] = planes[place[r, c]] + spacing * min(max(shift, -0.5), 0.5)
                scores[r, c] = middle
