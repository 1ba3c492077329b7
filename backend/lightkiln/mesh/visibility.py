# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a camera sees a point of a surface, by the depth that its pixels show.

A pixel's depth is the one at its centre. Within a pixel a surface at the angle θ to the line of
sight changes its depth by up to tan θ · z / f, and so a point lies on what is seen there if it is
at most some such pixel's widths behind it.
It must not know how points or pictures are used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def is_hidden(front: NDArray[Any], x: float, y: float, depth: float, slack: float) -> bool:
    """Whether something lies more than `slack` metres before the point seen at pixel (x, y).

    `front` (H, W): depths seen, infinite where nothing is; (x, y) lies in the picture.
    """
    return bool(depth > front[int(y), int(x)] + slack)


@njit(cache=True)
def hidden(
    front: NDArray[Any], pixels: NDArray[Any], depth: NDArray[Any], slack: NDArray[Any]
) -> NDArray[Any]:
    """The same for many points; those outside the picture are hidden."""
    height, width = front.shape
    result = np.ones(len(depth), dtype=np.bool_)
    for index in range(len(depth)):
        x, y = pixels[index]
        if depth[index] > 0.0 and 0.5 <= x < width - 0.5 and 0.5 <= y < height - 0.5:
            result[index] = is_hidden(front, x, y, depth[index], slack[index])
    return result
