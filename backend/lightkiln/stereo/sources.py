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
    images, sizes = _stacked(others)
    motions = [_motion(view, other) for other in others]
    return Bundle(
        reference=view.grey,
        weight=_weight(view),
        sources=images,
        sizes=sizes,
        homographies=np.stack([h for h, _ in motions]).astype(np.float32),
        epipoles=np.stack([e for _, e in motions]).astype(np.float32),
        rays=_rays(view),
        pattern=PATTERN,
        stride=stride,
    )


def bundles(
    views: Sequence[GreyView], chosen: Sequence[Sequence[int]], unit: float
) -> list[Bundle]:
    """For each view a bundle in which source s is view s, with lengths in `unit` metres.

    The images are one array that all share; matrices are there for the `chosen` sources only.
    """
    images, sizes = _stacked(views)
    out = []
    for view, others in zip(views, chosen, strict=True):
        homographies = np.zeros((len(views), 3, 3), dtype=np.float32)
        epipoles = np.zeros((len(views), 3), dtype=np.float32)
        for s in others:
            homographies[s], epipoles[s] = _motion(view, views[s])
        out.append(
            Bundle(
                reference=view.grey,
                weight=_weight(view),
                sources=images,
                sizes=sizes,
                homographies=homographies,
                epipoles=epipoles / np.float32(unit),
                rays=_rays(view),
                pattern=PATTERN,
                stride=1,
            )
        )
    return out


def _stacked(views: Sequence[GreyView]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images as `Bundle.sources`, padded to the largest, and their `Bundle.sizes`."""
    shapes = np.array([view.grey.shape for view in views])
    images = np.zeros((len(views), *shapes.max(axis=0)), dtype=np.float32)
    for image, view in zip(images, views, strict=True):
        image[: view.grey.shape[0], : view.grey.shape[1]] = view.grey
    return images, (shapes[:, ::-1] - 1).astype(np.float32)


def _motion(view: GreyView, other: GreyView) -> tuple[NDArray[Any], NDArray[Any]]:
    """H and e from a view to a source; see `ops.kernels.stereo_patch`."""
    motion = other.camera.camera_from_world @ view.camera.world_from_camera
    k = index_intrinsics(other.camera)
    inverse = np.linalg.inv(index_intrinsics(view.camera))
    return k @ motion[:3, :3] @ inverse, k @ motion[:3, 3]


def _weight(view: GreyView) -> NDArray[Any]:
    return np.ones_like(view.grey) if view.mask is None else view.mask


def _rays(view: GreyView) -> NDArray[Any]:
    k = index_intrinsics(view.camera)
    return np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], dtype=np.float32)
