# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures made other than they were, as photographs differ: place, size, light, noise, a hidden
part. Backgrounds need no variety: alpha is an input, and what lies behind is black.

A flip mirrors the camera's x, hence a thing's x in the azimuth frame; whoever flips a picture must
mirror its points too. It must not know networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .prepared import PIXELS

MOVED, SCALED = 0.02, 0.05
"""Standard deviations: of a window's middle, of its side; and of the log of its side."""
BRIGHTER, TINTED = 0.2, 0.08
"""Of the logs of all colours' gain and of each one's."""
NOISE = 0.03
HIDDEN, WIDEST = 0.2, 0.3
"""Share of pictures of which a box is hidden; its longest side, of the picture's."""


def jittered(windows: Float[NDArray[Any], "n 3"], draw: Generator) -> Float[NDArray[Any], "n 3"]:
    """Windows that do not sit quite right."""
    side = windows[:, 2:]
    middle = windows[:, :2] + MOVED * side * draw.standard_normal((len(windows), 2))
    return np.concatenate([middle, side * np.exp(SCALED * draw.standard_normal(side.shape))], 1)


def seen_through(
    pictures: Float[Tensor, "n 4 H H"], windows: Float[NDArray[Any], "n 3"], pixels: int = PIXELS
) -> Float[Tensor, "n 4 {pixels} {pixels}"]:
    """What windows show, bilinear; beyond a picture's edges there is nothing."""
    height = pictures.shape[-1]
    theta = np.zeros((len(windows), 2, 3), np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = windows[:, 2] / height
    theta[:, :, 2] = 2.0 * windows[:, :2] / height - 1.0
    grid = functional.affine_grid(
        torch.from_numpy(theta), [len(windows), 4, pixels, pixels], align_corners=False
    )
    return functional.grid_sample(pictures, grid, align_corners=False)


def gains(count: int, draw: Generator) -> Float[NDArray[Any], "count 3"]:
    """How much lighter each colour of a picture becomes."""
    logs = BRIGHTER * draw.standard_normal((count, 1)) + TINTED * draw.standard_normal((count, 3))
    return np.asarray(np.exp(logs), np.float32)


def recolored(
    pictures: Float[Tensor, "n 4 H H"], gain: Float[NDArray[Any], "n 3"], draw: Generator
) -> Float[Tensor, "n 4 H H"]:
    """Colours times a gain, with noise; none is lighter than white."""
    alpha = pictures[:, 3:]
    noise = draw.standard_normal((len(pictures), 3, *pictures.shape[2:]), dtype=np.float32)
    strength = NOISE * draw.random((len(pictures), 1, 1, 1), dtype=np.float32)
    color = pictures[:, :3] * torch.from_numpy(gain)[:, :, None, None]
    color = color + alpha * torch.from_numpy(strength * noise)
    return torch.cat([torch.minimum(color.clamp_min(0.0), alpha), alpha], dim=1)


def hidden(pictures: Float[Tensor, "n 4 H H"], draw: Generator) -> Float[Tensor, "n 4 H H"]:
    """Some pictures without what lies in a box, as if something stood before it."""
    pixels = pictures.shape[-1]
    kept = torch.ones(len(pictures), 1, pixels, pixels)
    for index in np.flatnonzero(draw.random(len(pictures)) < HIDDEN):
        high, wide = (pixels * draw.uniform(0.1, WIDEST, 2)).astype(int)
        top, left = draw.integers(0, pixels - high), draw.integers(0, pixels - wide)
        kept[index, :, top : top + high, left : left + wide] = 0.0
    return pictures * kept
