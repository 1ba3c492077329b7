# SPDX-License-Identifier: GPL-3.0-or-later
"""From a signed distance that can be asked anywhere to bricks about its zero level.

Cells of a coarse lattice are halved again and again, and only those are kept that the surface may
cross: a distance changes by no more than a metre in a metre, so a cell of edge e whose middle is
farther than e sqrt(3) / 2 from the surface cannot. At 2048³ some 10^8 places are asked, instead of
10^10. It must not know where the distance comes from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.bricks import BRICK, BrickGrid

Distance = Callable[[NDArray[Any]], NDArray[Any]]
"""Places (n, 3) float64, metres, to signed distances (n,), metres, negative inside."""

SLACK = 1.5
"""How much steeper than a true distance the function may be before parts of it are lost."""
COARSE = 32
"""Cells along the longest axis to begin with, at most."""
CHUNK = 2048
"""Bricks that are asked at once: a million places."""
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def bricks_near_surface(
    distance: Distance, border: Distance, origin: NDArray[Any], voxel: float, counts: NDArray[Any]
) -> BrickGrid:
    """Sample on a lattice of `counts` (3,) steps from `origin`; one channel, metres.

    Outside the region, where its `border` is positive, values are NaN: the surface ends there.
    """
    stored = _needed(
        _crossed(lambda x: np.maximum(distance(x), border(x)), origin, voxel, counts), counts
    )
    values = np.empty((len(stored), BRICK**3), dtype=np.float32)
    inside = np.stack(np.unravel_index(np.arange(BRICK**3), (BRICK,) * 3), axis=-1)
    for start in range(0, len(stored), CHUNK):
        places = stored[start : start + CHUNK, None] * BRICK + inside
        x = origin + voxel * places.reshape(-1, 3)
        found = np.where(border(x) > 0.0, np.nan, distance(x))
        values[start : start + CHUNK] = found.reshape(-1, BRICK**3)
    table = np.full(counts // BRICK + 2, -1, dtype=np.int32)
    table[tuple(stored.T)] = np.arange(len(stored), dtype=np.int32)
    shape = (len(stored), BRICK, BRICK, BRICK, 1)
    return BrickGrid(origin=origin, voxel=voxel, table=table, values=values.reshape(shape))


def _crossed(
    distance: Distance, origin: NDArray[Any], voxel: float, counts: NDArray[Any]
) -> NDArray[Any]:
    """Bricks (n, 3) whose cells the zero level may cross."""
    edge = BRICK
    while int(counts.max()) > COARSE * edge:
        edge *= 2
    numbers = [range(math.ceil(count / edge)) for count in counts]
    cells = np.array(list(itertools.product(*numbers))).reshape(-1, 3)
    while True:
        middles = origin + voxel * edge * (cells + 0.5)
        reach = SLACK * 0.5 * math.sqrt(3.0) * edge * voxel
        cells = cells[np.abs(distance(middles)) <= reach]
        if edge == BRICK:
            return cells
        cells = (2 * cells[:, None] + _CORNERS).reshape(-1, 3)
        edge //= 2


def _needed(cells: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """The bricks (m, 3) that hold the corners of all those cells: each and those after it."""
    bricks = np.unique((cells[:, None] + _CORNERS).reshape(-1, 3), axis=0)
    return np.asarray(bricks[(bricks <= counts // BRICK + 1).all(axis=1)]).reshape(-1, 3)
