# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a first surface was measured, and how much is only what outlines or a prior left.

A mirror looks otherwise from everywhere, a plain wall looks the same everywhere: depth maps do not
agree there. It must not know methods.
"""

from __future__ import annotations

import numpy as np

from lightkiln.ops.bricks import BrickGrid

LITTLE = 0.3
"""Of the surface: what is textured reaches 0.8 and more, polished metal 0.1."""


def share(grid: BrickGrid) -> float:
    """The part, in [0, 1], of the points within a voxel of the surface that views agree upon.

    `grid`: channel 0 the signed distance, metres; channel 1 the confidence, 0 where it is a guess.
    """
    near = np.abs(grid.values[..., 0]) < grid.voxel
    return float((grid.values[..., 1][near] > 0.0).mean()) if near.any() else 0.0


def warning(grid: BrickGrid) -> str | None:
    """A sentence if it is little."""
    part = share(grid)
    if part >= LITTLE:
        return None
    return (
        f"The photographs agree on {part:.0%} of the surface: the thing mirrors, shines or has no "
        "texture, or the cameras are wrong. The rest is what its outlines leave."
    )
