# SPDX-License-Identifier: GPL-3.0-or-later
"""How far an image lies from the true one. It must not know files or cameras."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Image = UInt8[NDArray[Any], "H W C"] | Float[NDArray[Any], "H W C"]
"""0 to 255, or 0 to 1."""


def psnr(image: Image, truth: Image, mask: Bool[NDArray[Any], "H W"] | None = None) -> float:
    """Peak signal-to-noise ratio, decibels, over the mask if there is one; infinite if equal."""
    difference = (_unit(image) - _unit(truth)) ** 2
    error = float(difference.mean() if mask is None else difference[mask].mean())
    return math.inf if error == 0.0 else -10.0 * math.log10(error)


def ssim(image: Image, truth: Image) -> float:
    """Structural similarity with Gaussian windows of 1.5 pixels (Wang et al. 2004)."""
    return float(
        structural_similarity(
            _unit(image),
            _unit(truth),
            channel_axis=-1,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def _unit(image: Image) -> NDArray[np.float64]:
    is_bytes = image.dtype == np.uint8
    return np.asarray(image.astype(np.float64) / (255.0 if is_bytes else 1.0))
