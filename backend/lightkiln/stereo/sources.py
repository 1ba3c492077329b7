# SPDX-License-Identifier: GPL-3.0-or-later
"""Which views a view is compared with, and the geometry between them.

It must not know depths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.kernels.stereo_patch import PATTERN, Bundle

from .views import GreyView, index_intrinsics

BEST_ANGLE = np.radians(12.0)
"""Between two views' rays: wider, and patches look different; narrower, and depth is not fixed."""
LEAST_ANGLE = np.radians(1.5)
WIDEST_ANGLE = np.radians(60.0)


def choose(views: Sequence[GreyView], centre: NDArray[Any], num_sources: int) -> list[list[int]]:
    """For each view the indices of its sources, the best first; `centre` (3,) is what all look at.

    A source sees the centre under an angle of 1.5 to 60 degrees to the view, and is the better the
    nearer (on a logarithmic scale) to 12 degrees. A view may have fewer sources
    than asked for, or none.
    """
    rays = np.stack([view.camera.centre - centre for view in views])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    angles = np.arccos(np.clip(rays @ rays.T, -1.0, 1.0))
    usable = (angles > LEAST_ANGLE) & (angles < WIDEST_ANGLE)
    cost = np.where(usable, np.abs(np.log(np.maximum(angles, LEAST_ANGLE) / BEST_ANGLE)), np.inf)
    order = np.argsort(cost, axis=1, kind="stable")
    return [
        [int(s) for s in row[:num_sources] if usable[view, s]] for view, row in enumerate(order)
    ]


def bundle(
    views: Sequence[GreyView], reference: int, sources: Sequence[int], stride: int = 1
) -> Bundle:
    """What the kernels want to know of a view and its sources."""
    view = views[reference]
    others = [views[s] for s in sources]
    shapes = np.array([other.grey.shape for other in others])
    images = np.zeros((len(others), *shapes.max(axis=0)), dtype=np.float32)
    for image, other in zip(images, others, strict=True):
        image[: other.grey.shape[0], : other.grey.shape[1]] = other.grey
    inverse = np.linalg.inv(index_intrinsics(view.camera))
    motions = [other.camera.camera_from_world @ view.camera.world_from_camera for other in others]
    intrinsics = [index_intrinsics(other.camera) for other in others]
    pairs = list(zip(intrinsics, motions, strict=True))
    k = index_intrinsics(view.camera)
    return Bundle(
        reference=view.grey,
        weight=np.ones_like(view.grey) if view.mask is None else view.mask,
        sources=images,
        sizes=(shapes[:, ::-1] - 1).astype(np.float32),
        homographies=np.stack([k_s @ m[:3, :3] @ inverse for k_s, m in pairs]).astype(np.float32),
        epipoles=np.stack([k_s @ m[:3, 3] for k_s, m in pairs]).astype(np.float32),
        rays=np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], dtype=np.float32),
        pattern=PATTERN,
        stride=stride,
    )
