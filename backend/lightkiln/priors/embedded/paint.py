# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours and patterns of the built-in world, sRGB values. It must not know shapes or cameras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .vocabulary import COLORS, MATERIALS

RGB = {
    "red": (0.80, 0.10, 0.10),
    "orange": (0.95, 0.50, 0.08),
    "yellow": (0.95, 0.85, 0.15),
    "green": (0.12, 0.58, 0.18),
    "cyan": (0.15, 0.78, 0.82),
    "blue": (0.12, 0.22, 0.80),
    "purple": (0.48, 0.14, 0.66),
    "pink": (0.96, 0.52, 0.72),
    "brown": (0.45, 0.27, 0.13),
    "white": (0.93, 0.93, 0.93),
    "grey": (0.52, 0.52, 0.52),
    "black": (0.09, 0.09, 0.09),
}
TABLE = np.array([RGB[name] for name in COLORS], dtype=np.float32)
"""(colours, 3)"""
LIGHT = 0.7
"""Luma above which a pattern's second colour is darker, not lighter."""
STRIPED, CHECKERED, DOTTED = (MATERIALS.index(name) for name in ("striped", "checkered", "dotted"))
STRIPE, CHECK, DOTS, DOT = 0.26, 0.2, 0.2, 0.07
"""A stripe and the next, a check, dots' distance and radius: in units of a thing's own frame."""


def second_color(color: NDArray[Any]) -> NDArray[Any]:
    """The other colour (..., 3) of a pattern: lighter, or of light colours darker."""
    luma = color @ np.array([0.30, 0.59, 0.11], dtype=np.float32)
    return np.asarray(np.where(luma[..., None] > LIGHT, 0.4 * color, 0.3 * color + 0.7))


SECOND = second_color(TABLE).astype(np.float32)


@njit(cache=True)
def is_second(material: int, x: float, y: float, z: float) -> bool:
    """Whether a pattern shows its second colour at a place of the thing's own frame."""
    if material == STRIPED:
        return bool(z / STRIPE - np.floor(z / STRIPE) >= 0.5)
    if material == CHECKERED:
        cells = np.floor(x / CHECK + 0.5) + np.floor(y / CHECK + 0.5) + np.floor(z / CHECK + 0.5)
        return int(cells) % 2 != 0
    if material == DOTTED:
        dx, dy, dz = x / DOTS, y / DOTS, z / DOTS
        dx, dy, dz = dx - np.round(dx), dy - np.round(dy), dz - np.round(dz)
        return bool(dx * dx + dy * dy + dz * dz < (DOT / DOTS) ** 2)
    return False
