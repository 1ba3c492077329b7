# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans of made-up bodies, with the truth of every voxel: seeded, the same everywhere.

A body is painted finer than the scan and averaged, so voxels at a border hold some of both (partial
volume); then come a field that brightens one side and noise. It must not know networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from .anatomy import body
from .forms import Axes
from .parts import BONE, CONTRAST, Part, Trunk

VERSION = 1
"""Of the world: another one draws other scans by the same seeds."""
TRAINING, VALIDATION, TEST = (
    range(1_000_000),
    range(2_000_000, 2_000_100),
    range(3_000_000, 3_000_100),
)
"""Seeds: no body is in two of them."""
FINER = 2
AIR = -1000.0
IN_PLANE, BETWEEN = (0.7, 3.0), (1.0, 5.0)
"""Spacings that are drawn, mm."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan and its truth."""

    values: NDArray[Any]
    """(X, Y, Z) float32, Hounsfield units."""
    labels: NDArray[Any]
    """(X, Y, Z) uint8: 0 other, 1 bone, 2 organs and vessels with contrast medium."""
    spacing: tuple[float, float, float]
    """mm."""


def phantom(
    seed: int, shape: tuple[int, int, int], in_plane: tuple[float, float] = IN_PLANE
) -> Phantom:
    """The scan of a seed's body, of some voxels, about a place in it that is drawn too."""
    draw = np.random.default_rng([VERSION, seed])
    trunk, parts = body(draw)
    step = float(np.exp(draw.uniform(*np.log(in_plane))))
    spacing = (step, step, float(draw.uniform(*BETWEEN)))
    axes = _axes(_middle(draw, trunk, shape, spacing), shape, spacing)
    values, labels = _painted(draw, parts, axes)
    return Phantom(_scanned(draw, _mean(values)), _chosen(labels), spacing)


def _middle(
    draw: Generator, trunk: Trunk, shape: tuple[int, ...], spacing: tuple[float, ...]
) -> NDArray[Any]:
    """A window smaller than the body looks somewhere within it."""
    free = np.maximum(0.0, np.array(trunk.half) + 15 - 0.5 * np.array(shape[:2]) * spacing[:2])
    return np.array([*draw.uniform(-free, free), draw.uniform(-60, 60)])


def _axes(middle: NDArray[Any], shape: tuple[int, ...], spacing: tuple[float, ...]) -> Axes:
    """The finer lattice."""
    lines = [
        (np.arange(FINER * n) - 0.5 * (FINER * n - 1)) * step / FINER + m
        for m, n, step in zip(middle, shape, spacing, strict=True)
    ]
    x, y, z = np.ix_(*(line.astype(np.float32) for line in lines))
    return x, y, z


def _painted(draw: Generator, parts: list[Part], axes: Axes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values and labels on the finer lattice, one part over the other."""
    shape = tuple(axis.size for axis in axes)
    values = np.full(shape, AIR, dtype=np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    grain = _smooth(draw, shape, 4)
    for part in parts:
        box = _box(part, axes)
        if any(cut.start >= cut.stop for cut in box):
            continue
        x, y, z = axes
        distance = part.distance((x[box[0]], y[:, box[1]], z[:, :, box[2]]))
        distance = np.broadcast_to(distance, tuple(cut.stop - cut.start for cut in box))
        inside = distance < 0.0
        stuff = part.value + part.grain * grain[box]
        if part.rim:
            stuff = np.where(distance > -part.rim, part.rim_value, stuff)
        values[box][inside] = stuff[inside]
        labels[box][inside] = part.label
    return values, labels


def _box(part: Part, axes: Axes) -> tuple[slice, ...]:
    """Where on the lattice a part can be."""
    return tuple(
        slice(*np.searchsorted(axis.reshape(-1), (low, high)).tolist())
        for axis, low, high in zip(axes, part.low, part.high, strict=True)
    )


def _mean(fine: NDArray[Any]) -> NDArray[Any]:
    x, y, z = (n // FINER for n in fine.shape)
    return np.asarray(fine.reshape(x, FINER, y, FINER, z, FINER).mean(axis=(1, 3, 5)))


def _chosen(labels: NDArray[Any]) -> NDArray[Any]:
    """Each voxel is what fills most of it."""
    shares = np.stack([_mean((labels == k).astype(np.float32)) for k in (0, BONE, CONTRAST)])
    return np.asarray(shares.argmax(axis=0), dtype=np.uint8)


def _scanned(draw: Generator, values: NDArray[Any]) -> NDArray[Any]:
    """Blur, a field of brightness and noise, as a scanner adds them."""
    width = draw.uniform(0.0, 0.7)
    noise = gaussian_filter(draw.normal(size=values.shape), (draw.uniform(0, 0.8),) * 2 + (0,))
    noise *= draw.uniform(4, 40) / max(float(noise.std()), 1e-6)
    field = 15.0 * _smooth(draw, values.shape, 32)
    scale = draw.uniform(0.94, 1.06)
    seen = gaussian_filter(values, (width, width, 0.0)) - AIR
    return np.asarray(AIR + scale * seen + field + noise, dtype=np.float32)


def _smooth(draw: Generator, shape: tuple[int, ...], cell: int) -> NDArray[Any]:
    """A random field of about unit variance that wanders over some voxels."""
    coarse = draw.normal(size=tuple(-(-n // cell) + 1 for n in shape)).astype(np.float32)
    fine = zoom(coarse, cell, order=1)
    return np.asarray(1.6 * fine[tuple(slice(n) for n in shape)])
