# SPDX-License-Identifier: GPL-3.0-or-later
"""A depth map for each view: planes swept at half resolution, then slanted patches at full.

The sweep finds where the surface is; the patches then take over neighbours' planes and vary their
own (Bleyer et al., "PatchMatch stereo", BMVC 2011), which is what slanted surfaces need. Rays look
only between where they enter and leave a solid that encloses the object. A depth map is a field of
planes: see `ops.kernels.stereo_patch` for (w, a, b). It must not know fusion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from lightkiln_shared.camera import Camera, scaled
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.ops.kernels import stereo_patch, stereo_sweep
from lightkiln.ops.kernels.stereo_patch import Bundle

from .lattice import Lattice
from .trace import entry_depth
from .views import GreyView

NEIGHBOURS = np.array([[-1, 0], [1, 0], [0, -1], [0, 1], [-4, 0], [4, 0], [0, -4], [0, 4]])
HERE = np.array([[0, 0]])
LEAST_SWEEP_SCORE = 0.5
LEAST_SCORE = 0.5
"""Correlation: patches below it have no confidence at all."""
NOISE = 8e-6
"""Grey²: a signal as small as this (0.7 steps of 8 bits, squared) halves the confidence."""
LEAST_SIGNAL = 0.3
"""Of the noise: below it there is no confidence at all."""
MOST_PLANES = 3
"""Without masks: so many times the planes."""
SLOPE_PART = 0.3
"""A random slope changes the inverse depth over a pixel by this part of a random offset."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DepthMap:
    """What one view knows of the surface."""

    camera: Camera
    """For the map's own pixels."""
    planes: NDArray[Any]
    """(H, W, 3) float32: inverse depth w, 1/metres, and its steps a and b to the next pixel of this
    map on the right and below."""
    confidence: NDArray[Any]
    """(H, W) float32 in [0, 1]; 0 where nothing is known."""

    @property
    def depth(self) -> NDArray[Any]:
        """(H, W) float32, metres along the optical axis; 0 where nothing is known."""
        known = (self.confidence > 0.0) & (self.planes[..., 0] > 0.0)
        return np.where(known, 1.0 / np.where(known, self.planes[..., 0], 1.0), np.float32(0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enclosure:
    """A solid that the object is in: the hull, or the region."""

    lattice: Lattice
    distance: NDArray[Any]
    """(X, Y, Z) float32, metres, negative inside."""


@runtime_checkable
class Kernels(Protocol):
    """Where the work is done: on this processor or on another device."""

    def sweep(
        self, bundle: Bundle, planes: NDArray[Any], near: NDArray[Any], far: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

    def offer(
        self,
        bundle: Bundle,
        planes: NDArray[Any],
        scores: NDArray[Any],
        candidates: NDArray[Any],
        offsets: NDArray[Any],
    ) -> None: ...


class NumbaKernels:
    """The kernels on this processor."""

    sweep = staticmethod(stereo_sweep.sweep)
    offer = staticmethod(stereo_patch.offer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matcher:
    """How depths are sought."""

    kernels: Kernels
    num_planes: int
    rounds: int
    """Of propagation and random variation."""
    random: np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """What the sweep found, at half the resolution of the patches."""

    planes: list[NDArray[Any]]
    """Guesses, each (h, w, 3) float32, slopes for a pixel of this field."""
    spacing: float
    """Between swept planes, 1/metres."""


def unknown(camera: Camera, stride: int) -> DepthMap:
    """A map of every `stride`-th pixel, from the first one on, that knows nothing yet."""
    height, width = (max(side // stride, 1) for side in (camera.height, camera.width))
    own = Camera(
        world_from_camera=camera.world_from_camera,
        focal=(camera.focal[0] / stride, camera.focal[1] / stride),
        principal_point=(
            (camera.principal_point[0] - 0.5) / stride + 0.5,
            (camera.principal_point[1] - 0.5) / stride + 0.5,
        ),
        width=width,
        height=height,
    )
    nothing = np.zeros((height, width, 3), dtype=np.float32)
    return DepthMap(camera=own, planes=nothing, confidence=nothing[..., 0].copy())


def sweep(matcher: Matcher, bundle: Bundle, view: GreyView, enclosure: Enclosure) -> Start:
    """Guesses from the sweep, facing the camera and slanted, and from the enclosure's front.

    Without a mask the planes go on to infinity: a pixel that finds the background there tells that
    nothing is in between.
    """
    near, far = _search_range(view, enclosure)
    if not near.any():
        return Start(planes=[], spacing=0.0)
    lowest, highest = float(far[near > 0.0].min()), float(near.max())
    spacing = (highest - lowest) / (matcher.num_planes - 1)
    if view.mask is None:
        far = np.zeros_like(far)
        lowest = max(0.5 * spacing, highest - MOST_PLANES * matcher.num_planes * spacing)
    swept = np.arange(lowest, highest + spacing, spacing, dtype=np.float32)
    inverse_depth, scores = matcher.kernels.sweep(bundle, swept, near, far)
    known = scores > LEAST_SWEEP_SCORE
    facing = np.stack([inverse_depth, *np.zeros((2, *known.shape), np.float32)], axis=-1)
    return Start(
        planes=[facing, slanted(inverse_depth, known), slanted(near, near > 0.0)],
        spacing=spacing,
    )


def _search_range(view: GreyView, enclosure: Enclosure) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inverse depths (h, w) between which each pixel looks; 0 where it cannot see the enclosure.

    Traced at half the view's resolution and widened by a pixel: the enclosure is a hint, no truth.
    """
    height, width = view.grey.shape
    camera = scaled(view.camera, max(width // 2, 1), max(height // 2, 1))
    entry = entry_depth(enclosure.distance, enclosure.lattice, camera)
    leave = entry_depth(enclosure.distance, enclosure.lattice, camera, backwards=True)
    seen = (entry > 0.0) & (leave > 0.0)
    near = np.where(seen, 1.0 / np.where(seen, entry, 1.0), 0.0).astype(np.float32)
    far = np.where(seen, 1.0 / np.where(seen, leave, 1.0), np.inf).astype(np.float32)
    rows = np.minimum(np.arange(height) // 2, near.shape[0] - 1)
    columns = np.minimum(np.arange(width) // 2, near.shape[1] - 1)
    place = np.ix_(rows, columns)
    near, far = ndimage.maximum_filter(near, 3)[place], ndimage.minimum_filter(far, 3)[place]
    if view.mask is not None:
        near = np.where(view.mask > 0.25, near, np.float32(0.0))
    return near, np.minimum(far, near)


def refine(matcher: Matcher, bundle: Bundle, camera: Camera, start: Start) -> DepthMap:
    """The depth map of `camera`, at the bundle's stride.

    Each pixel keeps the best of the guesses, of its neighbours' planes and of random changes, whose
    sizes halve from one to the next.
    """
    planes = np.zeros((camera.height, camera.width, 3), dtype=np.float32)
    scores = np.zeros(planes.shape[:2], dtype=np.float32)
    stride, offer = bundle.stride, matcher.kernels.offer
    for guess in start.planes:
        fitted = _resampled(guess, planes.shape[:2]) * np.array([1.0, 0.5, 0.5])
        offer(bundle, planes, scores, fitted.astype(np.float32), HERE)
    size = start.spacing * np.array([1.0, SLOPE_PART, SLOPE_PART])
    for _ in range(matcher.rounds):
        offer(bundle, planes, scores, planes.copy(), NEIGHBOURS)
        for _ in range(2):
            change = size * matcher.random.standard_normal(planes.shape, dtype=np.float32)
            candidates = (planes + change).astype(np.float32)
            offer(bundle, planes, scores, candidates, HERE)
            size = size * 0.5
    sure = np.clip((scores - LEAST_SCORE) / (1.0 - LEAST_SCORE), 0.0, 1.0)
    signal = _signal(matcher, bundle, planes, scores) / NOISE
    clear = np.where(signal > LEAST_SIGNAL, signal / (signal + 1.0), 0.0)
    return DepthMap(
        camera=camera,
        planes=planes * np.array([1.0, stride, stride], dtype=np.float32),
        confidence=(sure * clear).astype(np.float32),
    )


def _signal(
    matcher: Matcher, bundle: Bundle, planes: NDArray[Any], scores: NDArray[Any]
) -> NDArray[Any]:
    """Grey², (h, w): by how much more a patch differs if it is moved by a pixel of disparity.

    The fall of the correlation times the window's variance: what looks the same a little nearer or
    farther has no depth, however well it correlates.
    """
    known = planes[..., 0] > 0.0
    if not known.any():
        return np.zeros_like(scores)
    pixel = _inverse_depth_of_a_pixel(bundle, float(np.median(planes[..., 0][known])))
    beside = np.zeros((2, *scores.shape), dtype=np.float32)
    for moved_scores, shift in zip(beside, (-pixel, pixel), strict=True):
        moved = planes + np.array([shift, 0.0, 0.0], dtype=np.float32)
        matcher.kernels.offer(bundle, np.empty_like(planes), moved_scores, moved, HERE)
    grey, side = bundle.reference, 2 * stereo_patch.RADIUS + 1
    variance = ndimage.uniform_filter(grey**2, side) - ndimage.uniform_filter(grey, side) ** 2
    rows, columns = (bundle.stride * np.arange(n) for n in scores.shape)
    fall = np.maximum(scores - beside.max(axis=0), 0.0)
    return np.asarray(fall * np.maximum(variance[np.ix_(rows, columns)], 0.0))


def _inverse_depth_of_a_pixel(bundle: Bundle, w: float) -> float:
    """The change of inverse depth that moves a patch by a pixel in the widest source, 1/metres."""
    height, width = bundle.reference.shape
    centre = bundle.homographies @ np.array([width / 2, height / 2, 1.0]) + bundle.epipoles * w
    motion = bundle.epipoles[:, :2] - bundle.epipoles[:, 2:] * centre[:, :2] / centre[:, 2:]
    return float(1.0 / np.linalg.norm(motion / centre[:, 2:], axis=1).max())


def _resampled(field: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The nearest values for a field of another size."""
    rows = (np.arange(size[0]) * field.shape[0] / size[0]).astype(int)
    columns = (np.arange(size[1]) * field.shape[1] / size[1]).astype(int)
    return np.asarray(field[np.ix_(rows, columns)])


def slanted(inverse_depth: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    """Planes (h, w, 3) through an inverse depth (h, w): lines are fitted in 5 x 5 known pixels."""
    w = np.where(known, inverse_depth, np.float32(0.0))
    slopes = [_slope(w, known, axis) for axis in (1, 0)]
    return np.asarray(np.stack([w, *slopes], axis=-1) * known[..., None], dtype=np.float32)


def _slope(w: NDArray[Any], known: NDArray[Any], axis: int) -> NDArray[Any]:
    """Least squares along an axis: (Σ x w - Σ x Σ w / n) / (Σ x² - (Σ x)² / n) over a window."""
    ones, x = np.ones(5), np.arange(-2.0, 3.0)

    def window(values: NDArray[Any], along: NDArray[Any]) -> NDArray[Any]:
        out = ndimage.correlate1d(values.astype(np.float64), along, axis=axis, mode="constant")
        return np.asarray(ndimage.correlate1d(out, ones, axis=1 - axis, mode="constant"))

    count, sum_x = np.maximum(window(known, ones), 1.0), window(known, x)
    rise = window(w, x) - sum_x * window(w, ones) / count
    # 0.1 square pixels: a window with a single column leaves the slope at zero.
    return np.asarray(rise / (window(known, x * x) - sum_x**2 / count + 0.1))
