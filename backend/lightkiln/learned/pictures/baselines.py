# SPDX-License-Identifier: GPL-3.0-or-later
"""What any learned shape must beat: the mean training shape, and the nearest training picture's.

Both answer in the same frame as the networks, the camera's azimuth, hence a training thing is one
shape for each of its pictures. It must not know networks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from lightkiln.learned.world.shards import unpacked
from lightkiln.learned.world.things import centres

from . import scores
from .frames import turned_back
from .material import Draw, Material, pictures_of, windows_of

SMALL = 16
"""Pixels of the pictures that are compared."""


def mean_shape(taught: Material, views: int = 1) -> scores.Asked:
    """How often a place is inside, over the training things and some of their pictures."""
    total = np.zeros((scores.SIDE,) * 3)
    for view in range(views):
        for index in range(len(taught.things)):
            total += _shape_seen(taught, index, view)
    mean = total / (views * len(taught.things))
    return lambda _, x: _looked_up(mean, x[0])[None]


def nearest_by_pixels(taught: Material, seen: Material) -> scores.Asked:
    """The shape of the training picture that differs least, turned as that picture shows it."""
    count, views = taught.windows.shape[:2]
    every = Draw(np.arange(count), np.tile(np.arange(views), (count, 1)), np.zeros(count, bool))
    known = small(taught, every)

    def answer(one: Draw, x: NDArray[Any]) -> NDArray[Any]:
        wanted = small(seen, one)[0]
        index, view = divmod(int(((known - wanted) ** 2).sum(axis=1).argmin()), views)
        return _looked_up(_shape_seen(taught, index, view), x[0])[None]

    return answer


def small(material: Material, chosen: Draw) -> Float[NDArray[Any], "n features"]:
    """Pictures as they are compared, one after the other."""
    pictures = pictures_of(material, chosen, windows_of(material, chosen)).flatten(0, 1)
    return np.asarray(functional.adaptive_avg_pool2d(pictures, SMALL).flatten(1).numpy())


def _shape_seen(material: Material, index: int, view: int) -> Float[NDArray[Any], "s s s"]:
    """A thing's voxels in the azimuth frame of one of its pictures."""
    solid = unpacked(material.things.voxels32[index : index + 1], scores.SIDE)[0].astype(float)
    azimuth = material.things.angles[index, view : view + 1, 0]
    own = turned_back(centres(scores.SIDE)[None], azimuth)[0]
    return _looked_up(solid, own).reshape(solid.shape)


def _looked_up(
    volume: Float[NDArray[Any], "s s s"], x: Float[NDArray[Any], "n 3"]
) -> Float[NDArray[Any], " n"]:
    """Between the middles of cells, linear; 0 outside."""
    at = (np.asarray(x, float) + 1.0) * (0.5 * len(volume)) - 0.5
    return np.asarray(ndimage.map_coordinates(volume, at.T, order=1, mode="constant"))
