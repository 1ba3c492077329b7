# SPDX-License-Identifier: GPL-3.0-or-later
"""What lessons from pictures draw of the world: pictures through windows, cameras, points.

Points and cameras are in the azimuth frame of a draw's first picture; half of the draws are
mirrored whole. It must not know networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.learned.world.samples import camera_of
from lightkiln.learned.world.shards import Things

from . import augmented
from .frames import facing, guess_of, projection
from .prepared import PIXELS, premultiplied, window


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A split's things, and where its pictures' windows are."""

    things: Things
    windows: NDArray[Any]
    """(n, views, 3)."""

    @property
    def pixels(self) -> int:
        """Of a picture's side."""
        return int(self.things.views.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Some things, each with as many of its pictures."""

    thing: NDArray[Any]
    """(n,)"""
    view: NDArray[Any]
    """(n, k)"""
    mirrored: NDArray[Any]
    """(n,) bool."""

    @property
    def first(self) -> NDArray[Any]:
        """(n,) each thing's first picture, whose frame is everybody's."""
        return np.asarray(self.view[:, 0])


def material(things: Things) -> Material:
    """Find the windows of a split's pictures."""
    alphas = things.views[..., 3]
    windows = [[window(alpha) for alpha in views] for views in alphas]
    return Material(things, np.array(windows, np.float64).reshape(*alphas.shape[:2], 3))


def drawn(material: Material, draw: Generator, count: int, views: int = 1) -> Draw:
    """Things at random, pictures at random, mirrored or not."""
    total, of_each = material.windows.shape[:2]
    view = np.argsort(draw.random((count, of_each)), axis=1)[:, :views]
    return Draw(draw.integers(total, size=count), view, draw.random(count) < 0.5)


def every(material: Material, views: int = 1) -> Draw:
    """Each thing once, by its first pictures, as they are."""
    total = len(material.things)
    return Draw(
        np.arange(total), np.tile(np.arange(views), (total, 1)), np.zeros(total, dtype=bool)
    )


def windows_of(material: Material, chosen: Draw) -> Float[NDArray[Any], "n k 3"]:
    """As they are, of pictures as they are."""
    return np.asarray(material.windows[chosen.thing[:, None], chosen.view])


def pictures_of(
    material: Material, chosen: Draw, windows: Float[NDArray[Any], "n k 3"], pixels: int = PIXELS
) -> Float[Tensor, "n k 4 h h"]:
    """The pictures through these windows, mirrored where that was drawn."""
    rgba = material.things.views[chosen.thing[:, None], chosen.view]
    pictures = torch.from_numpy(np.moveaxis(premultiplied(rgba), -1, 2))
    through = augmented.seen_through(pictures.flatten(0, 1), windows.reshape(-1, 3), pixels)
    through = through.view(*chosen.view.shape, *through.shape[1:])
    mirrored = torch.from_numpy(chosen.mirrored)[:, None, None, None, None]
    return torch.where(mirrored, through.flip(-1), through)


def points_of(
    material: Material, chosen: Draw, x: Float[NDArray[Any], "n points 3"]
) -> Float[NDArray[Any], "n points 3"]:
    """Points of the drawn things in the frame in which they are learned."""
    turned = facing(x, material.things.angles[chosen.thing, chosen.first, 0])
    turned[..., 0] *= np.where(chosen.mirrored, -1.0, 1.0)[:, None]
    return turned.astype(np.float32)


def cameras_of(
    material: Material, chosen: Draw, windows: Float[NDArray[Any], "n k 3"]
) -> Float[NDArray[Any], "n k 3 4"]:
    """Projections into the pictures' windows."""
    angles = material.things.angles[chosen.thing[:, None], chosen.view].astype(np.float64)
    angles[..., 0] -= angles[:, :1, 0]
    flip = np.where(chosen.mirrored, -1.0, 1.0)[:, None, None, None]
    matrices = [
        [projection(camera_of(a, material.pixels), w) for a, w in zip(views, seen, strict=True)]
        for views, seen in zip(angles, windows, strict=True)
    ]
    # Mirrored, a point's x is another's -x, and its place in the picture too.
    mirrored = np.array(matrices)
    mirrored[..., 0, :] *= flip[..., 0]
    mirrored[..., 0] *= flip[..., 0]
    return mirrored.astype(np.float32)


def guesses_of(
    material: Material, chosen: Draw, windows: Float[NDArray[Any], "n k 3"]
) -> Float[NDArray[Any], "n k 4"]:
    """What a lone picture's reader must guess: `frames.guess_of`."""
    elevation = material.things.angles[chosen.thing[:, None], chosen.view, 1]
    guess = guess_of(elevation.astype(np.float64), windows, material.pixels)
    guess[..., 1] *= np.where(chosen.mirrored, -1.0, 1.0)[:, None]
    return guess.astype(np.float32)


def places_of(
    material: Material, chosen: Draw, draw: Generator, count: int
) -> tuple[Float[NDArray[Any], "n count 3"], Float[NDArray[Any], "n count"]]:
    """Places of the drawn things, and whether each is inside."""
    which = _some(material.things.places.shape[1], draw, len(chosen.thing), count)
    rows = chosen.thing[:, None]
    inside = material.things.distances[rows, which] < 0.0
    x = points_of(material, chosen, material.things.places[rows, which])
    return x, inside.astype(np.float32)


def surface_of(
    material: Material, chosen: Draw, draw: Generator, count: int
) -> tuple[Float[NDArray[Any], "n count 3"], Float[NDArray[Any], "n count 3"]]:
    """Points of the drawn things' surfaces, and their colours, sRGB in [0, 1]."""
    which = _some(material.things.surface.shape[1], draw, len(chosen.thing), count)
    rows = chosen.thing[:, None]
    x = points_of(material, chosen, material.things.surface[rows, which])
    return x, material.things.colors[rows, which].astype(np.float32) / 255.0


def _some(total: int, draw: Generator, rows: int, count: int) -> Int[NDArray[Any], "rows count"]:
    return draw.integers(total, size=(rows, count))
