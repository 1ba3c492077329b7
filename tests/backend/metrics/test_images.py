# SPDX-License-Identifier: GPL-3.0-or-later
"""Image scores in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from lightkiln.metrics.images import psnr, ssim


def test_psnr_is_twenty_decibels_for_an_error_of_a_tenth() -> None:
    truth = np.full((32, 32, 3), 0.5)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0)
    assert psnr(truth, truth) == math.inf


def test_psnr_reads_bytes_as_parts_of_255() -> None:
    truth = np.full((32, 32, 3), 100, dtype=np.uint8)
    assert psnr(truth + np.uint8(51), truth) == pytest.approx(-20.0 * math.log10(0.2))


def test_psnr_over_a_mask_sees_nothing_else() -> None:
    truth = np.zeros((32, 32, 3))
    image, mask = truth.copy(), np.zeros((32, 32), dtype=bool)
    image[:16], image[16:] = 0.01, 1.0
    mask[:16] = True
    assert psnr(image, truth, mask) == pytest.approx(40.0)


def test_ssim_of_constants_is_the_luminance_term() -> None:
    a, b, c1 = 0.3, 0.6, 0.01**2
    image, truth = np.full((32, 32, 3), a), np.full((32, 32, 3), b)
    assert ssim(image, truth) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1))
    assert ssim(truth, truth) == pytest.approx(1.0)
