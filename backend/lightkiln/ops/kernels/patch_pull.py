# SPDX-License-Identifier: GPL-3.0-or-later
"""What photographs say of a surface's depth when small patches of it are compared, in numba.

Notation (Geo-NeuS, arXiv:2205.15848, section 3.3): along a ray o + t d samples i and i + 1 are the
first with f_i > 0 >= f_{i+1}. The surface is crossed at

    t* = (f_i t_{i+1} - f_{i+1} t_i) / (f_i - f_{i+1})                                      (9)

and is taken for a plane there, with normal n. Sources see the plane through its homography (10); a
patch's cost is the mean over its `BEST` sources of 1 - NCC, for an occluder hides it from others
(11). Which sources these are is decided at t*. The cost's slope is a central difference over a step
`h` along the ray, n held still, and goes to the two samples:

    dt*/df_i = -f_{i+1} D,   dt*/df_{i+1} = f_i D,   D = (t_{i+1} - t_i) / (f_i - f_{i+1})²

Lengths are in voxels, so `Bundle.epipoles` are too. It must not know schedules.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Field, Gradients, Number
from .march import ONE, distance_in, march
from .shade import Scratch, scatter_distance, scratch_for_a_ray
from .stereo_patch import SAMPLES, Bundle, correlate, faces, gather, look

BEST = 4
"""Sources that count, of up to nine."""
STEP = np.float32(0.5)
"""h, voxels: about half a pixel, within which a patch's correlation has one peak."""
UNSEEN = np.float32(-2.0)
"""Below any NCC: a source that does not see the patch."""
AGREED = np.float32(0.4)
"""Mean NCC below which nothing is learned: it is hidden, it mirrors, or lies elsewhere."""


class Patches(NamedTuple):
    """Pixels of one view, the reference of a `Bundle`."""

    places: NDArray[Any]
    """(patches, 2) int64: column and row."""
    among: NDArray[Any]
    """(S,) int64: which of the bundle's sources to compare with."""
    directions: NDArray[Any]
    """(patches, 3) float32, unit."""
    origin: NDArray[Any]
    """(3,) float32: where the camera stands, lattice units."""
    turn: NDArray[Any]
    """(3, 3) float32: from the world's axes to the camera's."""
    jitter: NDArray[Any]
    """(patches,) float32 in [0, 1): where the first sample of a ray stands within its step."""


class Window(NamedTuple):
    """A thread's working memory for one patch."""

    scratch: Scratch
    """For its ray."""
    window: NDArray[Any]
    """(2, SAMPLES) the reference's values and weights."""
    samples: NDArray[Any]
    """(SAMPLES,) a source's values."""
    values: NDArray[Any]
    """(S,) NCC of each source at t*."""
    chosen: NDArray[Any]
    """(at most BEST,) int64: those that count."""
    plane: NDArray[Any]
    """(3,) (w, a, b) of `stereo_patch`."""
    normal: NDArray[Any]
    """(3,) n, in the camera's axes."""
    ray: NDArray[Any]
    """(3,) d, in the camera's axes."""


@njit(cache=True)
def window_for_a_patch(num_sources: int) -> Window:
    """Allocate working memory."""
    return Window(
        scratch_for_a_ray(),
        np.empty((2, SAMPLES), np.float32),
        np.empty(SAMPLES, np.float32),
        np.empty(num_sources, np.float32),
        np.empty(min(BEST, num_sources), np.int64),
        np.empty(3, np.float32),
        np.empty(3, np.float32),
        np.empty(3, np.float32),
    )


@njit(cache=True)
def crossing(count: int, s: Scratch) -> int:
    """Return the section in which the surface is entered first, -1 if none is."""
    for i in range(count - 1):
        if s.f[i] > 0.0 and s.f[i + 1] <= 0.0:
            return i
    return -1


@njit(cache=True)
def inner(x: Number, field: Field, axis: int) -> bool:
    """Whether a coordinate is a cell or more within the lattice."""
    return bool(ONE <= x < field.table.shape[axis] * 8 - 2)


@njit(cache=True)
def plane_at(field: Field, patches: Patches, n: int, t: Number, w: Window) -> bool:
    """Write normal and ray of patch n at t in the camera's axes; False off the band."""
    o, d = patches.origin, patches.directions[n]
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    if not (inner(x, field, 0) and inner(y, field, 1) and inner(z, field, 2)):
        return False
    gx = distance_in(field, x + ONE, y, z) - distance_in(field, x - ONE, y, z)
    gy = distance_in(field, x, y + ONE, z) - distance_in(field, x, y - ONE, z)
    gz = distance_in(field, x, y, z + ONE) - distance_in(field, x, y, z - ONE)
    size = math.sqrt(gx * gx + gy * gy + gz * gz)
    if not size > 1e-3:  # NaN off the band, or between two surfaces, where no plane is right
        return False
    for axis in range(3):
        turn = patches.turn[axis]
        w.normal[axis] = (turn[0] * gx + turn[1] * gy + turn[2] * gz) / size
        w.ray[axis] = turn[0] * d[0] + turn[1] * d[1] + turn[2] * d[2]
    return True


@njit(cache=True)
def place_plane(bundle: Bundle, t: Number, w: Window) -> None:
    """Write the plane through t along the ray: with q = n·X it is n·x / q = 1."""
    q = t * (w.normal[0] * w.ray[0] + w.normal[1] * w.ray[1] + w.normal[2] * w.ray[2])
    w.plane[0] = ONE / (t * w.ray[2])
    w.plane[1] = w.normal[0] / (bundle.rays[0] * q)
    w.plane[2] = w.normal[1] / (bundle.rays[1] * q)


@njit(cache=True)
def choose(bundle: Bundle, among: NDArray[Any], c: int, r: int, w: Window) -> Number:
    """Write the best sources into `w.chosen`; return their mean NCC, NaN if too few see it."""
    for n in range(len(among)):
        seen = look(bundle, among[n], c, r, w.plane, w.samples)
        w.values[n] = correlate(w.window, w.samples) if seen else UNSEEN
    total = np.float32(0.0)
    for k in range(len(w.chosen)):
        best = np.argmax(w.values)
        if w.values[best] == UNSEEN:
            return np.float32(np.nan)
        w.chosen[k] = among[best]
        total += w.values[best]
        w.values[best] = UNSEEN
    return total / np.float32(len(w.chosen))


@njit(cache=True)
def agreement(bundle: Bundle, c: int, r: int, w: Window) -> Number:
    """Return the mean NCC of the chosen sources with the plane as it is; NaN if one is blind."""
    total = np.float32(0.0)
    for k in range(len(w.chosen)):
        if not look(bundle, w.chosen[k], c, r, w.plane, w.samples):
            return np.float32(np.nan)
        total += np.float32(correlate(w.window, w.samples))
    return total / np.float32(len(w.chosen))


@njit(cache=True)
def slope_at(
    bundle: Bundle, among: NDArray[Any], c: int, r: int, t: Number, w: Window
) -> tuple[Number, Number]:
    """Return the cost at t and dcost/dt; NaN where the patch says nothing."""
    nothing = np.float32(np.nan)
    place_plane(bundle, t, w)
    if not faces(bundle, c, r, w.plane):
        return nothing, nothing
    here = choose(bundle, among, c, r, w)
    if not here > AGREED:
        return nothing, nothing
    place_plane(bundle, t - STEP, w)
    before = agreement(bundle, c, r, w)
    place_plane(bundle, t + STEP, w)
    behind = agreement(bundle, c, r, w)
    return ONE - here, (before - behind) / (STEP + STEP)


@njit(cache=True)
def pull_patch(
    field: Field,
    bundle: Bundle,
    patches: Patches,
    n: int,
    weight: Number,
    w: Window,
    into: NDArray[Any],
) -> Number:
    """Add the gradient of weight times patch n's cost to `into` (points,); return the cost."""
    c, r = patches.places[n, 0], patches.places[n, 1]
    nothing = np.float32(np.nan)
    if bundle.weight[r, c] < 0.5 or not gather(bundle, c, r, w.window):
        return nothing
    d, s = patches.directions[n], w.scratch
    count = march(field, patches.origin, d, patches.jitter[n], s.t, s.f)
    i = crossing(count, s)
    if i < 0:
        return nothing
    a, b = s.f[i], s.f[i + 1]
    t = (a * s.t[i + 1] - b * s.t[i]) / (a - b)
    if not plane_at(field, patches, n, t, w):
        return nothing
    cost, slope = slope_at(bundle, patches.among, c, r, t, w)
    if math.isnan(slope):
        return nothing
    spread = weight * slope * (s.t[i + 1] - s.t[i]) / ((a - b) * (a - b))
    s.slope[:count] = 0.0
    s.slope[i], s.slope[i + 1] = -b * spread, a * spread
    scatter_distance(field.table, patches.origin, d, count, s, into)
    return cost


@njit(cache=True, parallel=True)
def pull(
    field: Field,
    bundle: Bundle,
    patches: Patches,
    weight: Number,
    gradients: Gradients,
    costs: NDArray[Any],
) -> None:
    """Add the gradient of weight * sum of costs; write each cost (patches,), NaN where none is."""
    total, chunks = len(patches.places), gradients.distance.shape[0]
    for chunk in prange(chunks):
        w = window_for_a_patch(len(patches.among))
        for n in range(chunk * total // chunks, (chunk + 1) * total // chunks):
            costs[n] = pull_patch(
                field, bundle, patches, n, np.float32(weight), w, gradients.distance[chunk]
            )
