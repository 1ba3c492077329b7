# SPDX-License-Identifier: GPL-3.0-or-later
"""The inner loop of the rasteriser, jitted.

For a pixel's centre p and a triangle with projected corners u_0, u_1, u_2, the edge functions
e_i = (u_{i+1} - p) x (u_{i+2} - p) divided by their sum are its barycentric coordinates on the
screen. 1/z is linear there, so the depth and the coordinates b_i on the triangle itself are
(Pineda 1988; Heckbert and Moreton 1991)

    1/z = sum_i e_i / z_i,    b_i = z e_i / z_i.

It must not know meshes or cameras.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def draw(
    pixels: NDArray[Any],
    depth: NDArray[Any],
    triangles: NDArray[Any],
    nearest: NDArray[Any],
    triangle: NDArray[Any],
    barycentric: NDArray[Any],
) -> None:
    """Draw triangles whose corners lie at `pixels` (V, 2) and `depth` (V,) into three images.

    `nearest` (H, W), to start with infinite; `triangle` (H, W) int32; `barycentric` (H, W, 3).
    Triangles that reach behind the camera are left out.
    """
    height, width = nearest.shape
    for index in range(len(triangles)):
        a, b, c = triangles[index]
        if min(depth[a], depth[b], depth[c]) <= 0.0:
            continue
        ax, ay, bx, by = pixels[a, 0], pixels[a, 1], pixels[b, 0], pixels[b, 1]
        cx, cy = pixels[c, 0], pixels[c, 1]
        doubled = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if doubled == 0.0:
            continue
        # Pixel i has its centre at i + 0.5: the first one not before the smallest coordinate, ...
        first_x = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        last_x = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        first_y = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        last_y = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for y in range(first_y, last_y + 1):
            for x in range(first_x, last_x + 1):
                px, py = x + 0.5, y + 0.5
                e0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / doubled
                e1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / doubled
                e2 = 1.0 - e0 - e1
                if e0 < 0.0 or e1 < 0.0 or e2 < 0.0:
                    continue
                w0, w1, w2 = e0 / depth[a], e1 / depth[b], e2 / depth[c]
                z = 1.0 / (w0 + w1 + w2)
                if z < nearest[y, x]:
                    nearest[y, x] = z
                    triangle[y, x] = index
                    barycentric[y, x, 0] = z * w0
                    barycentric[y, x, 1] = z * w1
                    barycentric[y, x, 2] = z * w2
