# SPDX-License-Identifier: GPL-3.0-or-later
"""Zero-mean normalised cross-correlation of slanted patches (numba).

Notation: array indices (c, r) are integers at pixel centres. A patch is a plane, and a plane's
inverse depth is affine in the image: w(c + i, r + j) = w + a i + b j; a field of planes is
(H, W, 3) float32 of (w, a, b), w in 1/metres, w <= 0 where there is none. With K the intrinsics and
(R, t) the motion from the reference to a source camera, the source sees the patch at the
homogeneous index

    H (c, r, 1)^T + w e,   H = K_s R K_r^-1,   e = K_s t,

affine in (i, j), so that a sample costs one division. Windows are 7 x 7, weighted by the
reference's mask. A pixel's score is the mean of its two best sources: an occluder hides one side,
not both. It must not know how planes are proposed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

RADIUS = 3
LEAST_VARIANCE = 4e-6
"""Grey²: half a step of 8 bits, squared; below it a window is flat and says nothing."""
LEAST_COSINE = 0.12
"""Patches seen at more than 83 degrees are not patches."""

_GRID = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1].reshape(2, -1)
_CHECKERED = _GRID[:, _GRID.sum(axis=0) % 2 == 0]
PATTERN = np.ascontiguousarray(_CHECKERED, dtype=np.float32)
"""(2, SAMPLES): rows and columns of a window's samples, every second pixel like a chessboard's
black squares: half the work, the same extent."""
SAMPLES = PATTERN.shape[1]


class Bundle(NamedTuple):
    """A reference view and its sources."""

    reference: NDArray[Any]
    """(H, W) float32, grey."""
    weight: NDArray[Any]
    """(H, W) float32: how much a pixel belongs to the object; 1 everywhere without a mask."""
    sources: NDArray[Any]
    """(S, Hs, Ws) float32, grey, padded to the largest."""
    sizes: NDArray[Any]
    """(S, 2) float32: the last usable column and row of each source."""
    homographies: NDArray[Any]
    """(S, 3, 3) float32: H."""
    epipoles: NDArray[Any]
    """(S, 3) float32: e."""
    rays: NDArray[Any]
    """(4,) float32: fx, fy, cx, cy of the reference, for array indices."""
    pattern: NDArray[Any]
    """`PATTERN`: numba caches no function that reads an array from its module."""
    stride: int
    """Planes are estimated at every so many pixels of the reference, from index 0 on."""


@njit(cache=True, parallel=True, error_model="numpy")
def offer(
    bundle: Bundle,
    planes: NDArray[Any],
    scores: NDArray[Any],
    candidates: NDArray[Any],
    offsets: NDArray[Any],
) -> None:
    """Let each pixel take the plane of a candidate nearby where that one scores higher; in place.

    `planes` (h, w, 3) and `scores` (h, w) are improved, where h and w are the reference's sides
    divided by the stride; `candidates` (h, w, 3) are read at each of `offsets` (N, 2), (columns,
    rows), and extended to the pixel as planes.
    """
    for r in prange(len(scores)):
        _offer_row(bundle, r, planes[r], scores[r], candidates, offsets)


@njit(cache=True, error_model="numpy")
def _offer_row(
    bundle: Bundle,
    r: int,
    planes: NDArray[Any],
    scores: NDArray[Any],
    candidates: NDArray[Any],
    offsets: NDArray[Any],
) -> None:
    """One row of `offer`, outside the parallel loop so that all it calls can be inlined."""
    height, width = candidates.shape[:2]
    window, samples = np.empty((2, SAMPLES), np.float32), np.empty(SAMPLES, np.float32)
    plane = np.empty(3, np.float32)
    stride = bundle.stride
    for c in range(width):
        at, below = stride * c, stride * r
        if bundle.weight[below, at] < 0.5 or not gather(bundle, at, below, window):
            continue
        for n in range(len(offsets)):
            column, row = c + offsets[n, 0], r + offsets[n, 1]
            if 0 <= column < width and 0 <= row < height:
                plane[1], plane[2] = candidates[row, column, 1], candidates[row, column, 2]
                slide = plane[1] * offsets[n, 0] + plane[2] * offsets[n, 1]
                plane[0] = candidates[row, column, 0] - stride * slide
                if faces(bundle, at, below, plane):
                    value = score(bundle, at, below, plane, window, samples)
                    if value > scores[c]:
                        scores[c] = value
                        planes[c] = plane


@njit(cache=True, inline="always", error_model="numpy")
def faces(bundle: Bundle, c: int, r: int, plane: NDArray[Any]) -> bool:
    """True if the plane lies in front of the camera and is not seen from its edge.

    Its normal is (a fx, b fy, w - a (c - cx) - b (r - cy)), longer than 1 / distance.
    """
    fx, fy, cx, cy = bundle.rays[0], bundle.rays[1], bundle.rays[2], bundle.rays[3]
    w, a, b = plane[0], plane[1], plane[2]
    x, y, z = a * fx, b * fy, w - a * (c - cx) - b * (r - cy)
    ray = 1.0 + ((c - cx) / fx) ** 2 + ((r - cy) / fy) ** 2
    return bool(w > 0.0 and w * w > LEAST_COSINE**2 * ray * (x * x + y * y + z * z))


@njit(cache=True, inline="always", error_model="numpy")
def gather(bundle: Bundle, c: int, r: int, window: NDArray[Any]) -> bool:
    """Fill `window` (2, SAMPLES) with the reference's values and weights; False: no texture.

    The values have mean 0 and variance 1 under the weights, which add up to 1.
    """
    height, width = bundle.reference.shape
    if not (RADIUS <= c < width - RADIUS and RADIUS <= r < height - RADIUS):
        return False
    total, mean, square = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for n in range(SAMPLES):
        j, i = np.int64(bundle.pattern[0, n]), np.int64(bundle.pattern[1, n])
        value, weight = bundle.reference[r + j, c + i], bundle.weight[r + j, c + i]
        window[0, n], window[1, n] = value, weight
        total += weight
        mean += weight * value
    mean /= total
    for n in range(SAMPLES):
        window[0, n] -= mean
        window[1, n] /= total
        square += window[1, n] * window[0, n] * window[0, n]
    if square < LEAST_VARIANCE:
        return False
    for n in range(SAMPLES):
        window[0, n] /= np.sqrt(square)
    return True


@njit(cache=True, inline="always", error_model="numpy")
def score(
    bundle: Bundle,
    c: int,
    r: int,
    plane: NDArray[Any],
    window: NDArray[Any],
    samples: NDArray[Any],
) -> float:
    """The mean correlation of the two best sources; one that does not see the patch counts 0."""
    best, second = 0.0, 0.0
    for s in range(len(bundle.sources)):
        if look(bundle, s, c, r, plane, samples):
            value = correlate(window, samples)
            if value > best:
                best, second = value, best
            elif value > second:
                second = value
    return float(0.5 * (best + second))


@njit(cache=True, inline="always", error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def correlate(window: NDArray[Any], samples: NDArray[Any]) -> float:
    """ZNCC of the window and the samples. fastmath: the sums may be taken in vectors."""
    mean, square, cross = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    shift = samples[SAMPLES // 2]  # near the mean, so that the variance does not cancel
    for n in range(SAMPLES):
        value = samples[n] - shift
        weighted = window[1, n] * value
        mean += weighted
        square += weighted * value
        cross += weighted * window[0, n]
    variance = square - mean * mean
    if variance < LEAST_VARIANCE:
        return 0.0
    return float(cross / np.sqrt(variance))


@njit(cache=True, inline="always", error_model="numpy", fastmath={"contract", "nsz"})
def look(
    bundle: Bundle, s: int, c: int, r: int, plane: NDArray[Any], samples: NDArray[Any]
) -> bool:
    """Fill `samples` (SAMPLES,) with what source s shows of the patch; False: it is cut off."""
    m, step = _motion(bundle, s, c, r, plane)
    last_column, last_row = bundle.sizes[s, 0], bundle.sizes[s, 1]
    for i in (-RADIUS, RADIUS):
        for j in (-RADIUS, RADIUS):
            z = m[2] + i * step[2] + j * step[5]
            x = m[0] + i * step[0] + j * step[3]
            y = m[1] + i * step[1] + j * step[4]
            if z <= 0.0 or not (0.0 <= x < last_column * z and 0.0 <= y < last_row * z):
                return False
    image = bundle.sources
    for n in range(SAMPLES):
        j, i = bundle.pattern[0, n], bundle.pattern[1, n]
        inverse = np.float32(1.0) / (m[2] + i * step[2] + j * step[5])
        x = (m[0] + i * step[0] + j * step[3]) * inverse
        y = (m[1] + i * step[1] + j * step[4]) * inverse
        column, row = np.int32(x), np.int32(y)
        p, q = x - np.float32(column), y - np.float32(row)
        top = image[s, row, column] + p * (image[s, row, column + 1] - image[s, row, column])
        below = image[s, row + 1, column]
        bottom = below + p * (image[s, row + 1, column + 1] - below)
        samples[n] = top + q * (bottom - top)
    return True


@njit(cache=True, inline="always", error_model="numpy")
def _motion(bundle: Bundle, s: int, c: int, r: int, plane: NDArray[Any]) -> Any:
    """The homogeneous index of the patch's centre in source s, and its steps along i and j."""
    h, e = bundle.homographies, bundle.epipoles
    w, a, b = plane[0], plane[1], plane[2]
    fc, fr = np.float32(c), np.float32(r)
    centre = (
        h[s, 0, 0] * fc + h[s, 0, 1] * fr + h[s, 0, 2] + e[s, 0] * w,
        h[s, 1, 0] * fc + h[s, 1, 1] * fr + h[s, 1, 2] + e[s, 1] * w,
        h[s, 2, 0] * fc + h[s, 2, 1] * fr + h[s, 2, 2] + e[s, 2] * w,
    )
    steps = (
        h[s, 0, 0] + e[s, 0] * a,
        h[s, 1, 0] + e[s, 1] * a,
        h[s, 2, 0] + e[s, 2] * a,
        h[s, 0, 1] + e[s, 0] * b,
        h[s, 1, 1] + e[s, 1] * b,
        h[s, 2, 1] + e[s, 2] * b,
    )
    return centre, steps
