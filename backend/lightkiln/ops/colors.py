# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the sRGB of files and screens and the linear colour of meshes (IEC 61966-2-1), in numpy.

It must not know images' files or meshes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray


def srgb_from_linear(linear: Float[NDArray[Any], "*n"]) -> Float[NDArray[Any], "*n"]:
    """Values in [0, 1]; what lies outside is clipped."""
    x = np.clip(linear, 0.0, 1.0)
    return np.asarray(np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055))


def linear_from_srgb(srgb: Float[NDArray[Any], "*n"]) -> Float[NDArray[Any], "*n"]:
    """The inverse of `srgb_from_linear`."""
    x = np.clip(srgb, 0.0, 1.0)
    return np.asarray(np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4))


def srgb_bytes(linear: Float[NDArray[Any], "*n"]) -> UInt8[NDArray[Any], "*n"]:
    """Linear colours as sRGB, 0 to 255."""
    return np.asarray(np.rint(255.0 * srgb_from_linear(linear)).astype(np.uint8))
