# SPDX-License-Identifier: GPL-3.0-or-later
"""Lens models of Blender's motion tracker as OpenCV's k1, k2, k3. No bpy; numpy only.

With r_u and r_d the distances from the axis on the plane z = 1, without and with distortion:

    POLYNOMIAL   r_d = r_u (1 + k1 r_u² + k2 r_u⁴ + k3 r_u⁶)
    BROWN        r_d = r_u (1 + k1 r_u² + k2 r_u⁴ + k3 r_u⁶ + k4 r_u⁸), and tangential terms
    DIVISION     r_d = r_u / (1 + k1 r_u² + k2 r_u⁴)
    NUKE         r_u = r_d / (1 + k1 r_d² + k2 r_d⁴), r in halves of the image's longer side

They are libmv's, measured by having it solve tracks of known cameras.

POLYNOMIAL, and BROWN without k4, are OpenCV's own. Of the others the three coefficients are fitted
over the image, and refused where they miss by more than `MISS`.
It must not know axes: tangential terms are turned in `convert`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shared.errors import InvalidScene

MISS = 0.3
"""Pixels; what a feature's place is worth. The backend's readers are as strict."""
SAMPLES = 512
WIDEST = 4.0
"""Tangent of the widest angle from the axis that a lens may see: 76 degrees."""

Radial = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerLens:
    """What Blender's tracker says of the camera that took a clip."""

    focal: float
    """Pixels along x."""
    principal_point: tuple[float, float]
    """Pixels from the lower left corner."""
    pixel_aspect: float
    """Width of a pixel over its height."""
    width: int
    height: int
    model: str
    """`POLYNOMIAL`, `DIVISION`, `NUKE` or `BROWN`."""
    radial: tuple[float, ...]
    """The model's k1, k2, ..."""
    tangential: tuple[float, float] = (0.0, 0.0)
    """Brown's p1, p2, with Y up."""


def radial_of(lens: TrackerLens) -> tuple[float, float, float]:
    """OpenCV's k1, k2, k3 of a lens; raises `InvalidScene` if they cannot express it."""
    if not any(lens.radial):
        return 0.0, 0.0, 0.0
    if lens.model in ("POLYNOMIAL", "BROWN") and not any(lens.radial[3:]):
        k1, k2, k3, *_ = (*lens.radial, 0.0, 0.0)
        return k1, k2, k3
    reach = _reach(lens)
    undistorted, distorted = _samples(lens, reach)
    k1, k2, k3 = _fitted(undistorted, distorted)
    missed = np.abs(undistorted * _even(undistorted, (k1, k2, k3)) - distorted).max()
    if missed * lens.focal > MISS:
        raise InvalidScene(
            f"The clip's {lens.model.title()} distortion is too strong to be kept: "
            f"three coefficients miss it by {missed * lens.focal:.1f} pixels.",
            hint="Solve the clip with the distortion model Polynomial or Brown.",
        )
    return k1, k2, k3


def _samples(lens: TrackerLens, reach: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Distances (S,) without and with distortion, up to the image's farthest corner."""
    if lens.model == "NUKE":
        unit = max(lens.width, lens.height / lens.pixel_aspect) / 2 / lens.focal
        distorted = np.linspace(0.0, reach, SAMPLES)
        undistorted = distorted / _even(distorted / unit, lens.radial)
    else:
        undistorted = np.linspace(0.0, WIDEST, 16 * SAMPLES)
        factor = _even(undistorted, lens.radial)
        distorted = undistorted / factor if lens.model == "DIVISION" else undistorted * factor
        end = int(np.argmax(distorted >= reach)) + 1  # 1 where it never reaches that far
        undistorted, distorted = undistorted[:end], distorted[:end]
    grows = (np.diff(undistorted) > 0.0) & (np.diff(distorted) > 0.0)
    if len(grows) == 0 or not grows.all() or undistorted[-1] > WIDEST:
        raise InvalidScene(
            "The clip's lens distortion folds the image over itself.",
            hint="Correct its coefficients, or solve the clip again.",
        )
    return undistorted, distorted


def _even(r: NDArray[Any], coefficients: tuple[float, ...]) -> NDArray[Any]:
    """1 + k1 r² + k2 r⁴ + ..."""
    return np.polynomial.polynomial.polyval(r * r, (1.0, *coefficients))


def _fitted(undistorted: NDArray[Any], distorted: NDArray[Any]) -> tuple[float, float, float]:
    """k1, k2, k3 of the least squared error in r_d."""
    columns = np.stack([undistorted**3, undistorted**5, undistorted**7], axis=1)
    found = np.linalg.lstsq(columns, distorted - undistorted, rcond=None)[0]
    return float(found[0]), float(found[1]), float(found[2])


def _reach(lens: TrackerLens) -> float:
    """r_d of the corner that is farthest from the axis."""
    (x, y), aspect = lens.principal_point, lens.pixel_aspect
    return float(np.hypot(max(x, lens.width - x), max(y, lens.height - y) / aspect) / lens.focal)
