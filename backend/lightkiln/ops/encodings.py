# SPDX-License-Identifier: GPL-3.0-or-later
"""Places and directions as features that a small network can tell apart, in torch.

    frequencies(x) = (x, sin(2^0 x), cos(2^0 x), ..., sin(2^(L-1) x), cos(2^(L-1) x))

after Mildenhall et al. 2020 (arXiv:2003.08934, eq. 4), with x itself, and without their factor pi,
as NeuS has it. Directions may also become real spherical harmonics of degree 0 to 3, orthonormal on
the sphere. It must not know networks.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

HARMONICS = 16
"""Real spherical harmonics of degree 0 to 3."""


def frequencies(x: Float[Tensor, "*n d"], count: int) -> Float[Tensor, "*n features"]:
    """x, then sines and cosines of `count` octaves: d (1 + 2 count) numbers."""
    scaled = [x * 2.0**octave for octave in range(count)]
    waves = [wave(each) for each in scaled for wave in (torch.sin, torch.cos)]
    return torch.cat([x, *waves], dim=-1)


def harmonics(directions: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 16"]:
    """Y_lm for l <= 3, by l and then by m from -l to l, of unit vectors."""
    x, y, z = directions.unbind(dim=-1)
    xx, yy, zz = x * x, y * y, z * z
    terms = [
        0.28209479177 * torch.ones_like(x),
        0.48860251190 * y,
        0.48860251190 * z,
        0.48860251190 * x,
        1.09254843059 * x * y,
        1.09254843059 * y * z,
        0.31539156525 * (3.0 * zz - 1.0),
        1.09254843059 * x * z,
        0.54627421529 * (xx - yy),
        0.59004358992 * y * (3.0 * xx - yy),
        2.89061144264 * x * y * z,
        0.45704579946 * y * (5.0 * zz - 1.0),
        0.37317633259 * z * (5.0 * zz - 3.0),
        0.45704579946 * x * (5.0 * zz - 1.0),
        1.44530572132 * z * (xx - yy),
        0.59004358992 * x * (xx - 3.0 * yy),
    ]
    return torch.stack(terms, dim=-1)
