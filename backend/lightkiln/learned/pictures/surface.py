# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh from a network that can be asked anywhere, with few questions: MISE.

Multiresolution isosurface extraction (Mescheder et al. 2019, section 3.3): a coarse lattice is
asked whole; then, as often as is wanted, its steps are halved and only cells through which the
surface runs, and their neighbours, are asked again. Values elsewhere are means of what was asked:
their sign is known, and no more of them is used. It must not know networks or pictures.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.learned.world.things import LONGEST
from lightkiln.mesh.clean import without_degenerate, without_specks
from lightkiln.mesh.extract import extract_dense, whole_cells
from lightkiln.mesh.simplify import simplify

COARSEST = 32
SPECK = 0.03
"""Share of the largest part's area below which a part is a network's slip."""
OUTSIDE = 1.0
"""Distance, in logits, put about the cube, so that what touches its faces is closed there."""

Logits = Callable[[NDArray[Any]], NDArray[Any]]
"""Points (n, 3) in [-1, 1]³ -> logits (n,) of being inside."""


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Logits at the corners of the cube's cells, x, y, z."""

    values: NDArray[Any]
    """(side + 1,) * 3 float32."""

    @property
    def side(self) -> int:
        """Cells along an edge."""
        return len(self.values) - 1

    @property
    def coarsest(self) -> Float[NDArray[Any], " n"]:
        """The values with which it began."""
        step = self.side // COARSEST
        return np.asarray(self.values[::step, ::step, ::step]).reshape(-1)


def begun(ask: Logits) -> Lattice:
    """The coarsest lattice, asked whole."""
    everywhere = np.ones((COARSEST + 1,) * 3, dtype=bool)
    return Lattice(_asked(ask, everywhere).reshape(everywhere.shape))


def finer(lattice: Lattice, ask: Logits, level: float) -> Lattice:
    """Steps half as long; asked only about the level set."""
    values = lattice.values
    for axis in range(3):
        values = _doubled(values, axis)
    wanted = _about(lattice.values > level)
    wanted[::2, ::2, ::2] = False  # known already
    values[wanted] = _asked(ask, wanted)
    return Lattice(values)


def doublings(resolution: int) -> int:
    """How often the coarsest lattice is halved for at least so many cells along an edge."""
    return max(0, math.ceil(math.log2(resolution / COARSEST)))


def level_of(threshold: float) -> float:
    """The logit of a chance."""
    chance = min(max(threshold, 1e-4), 1.0 - 1e-4)  # 0 and 1 have none
    return math.log(chance / (1.0 - chance))


def solid(lattice: Lattice, level: float, faces: int) -> TriangleMesh:
    """The level set, closed, without specks, of at most so many triangles.

    Raises `NothingReconstructed` if all is outside.
    """
    distance = np.pad(level - lattice.values, 1, constant_values=OUTSIDE)
    mesh = extract_dense(distance, whole_cells(np.ones(distance.shape, dtype=bool)))
    if len(mesh.triangles) == 0:
        raise NothingReconstructed(
            "The network sees nothing solid in the picture.",
            hint="Lower the threshold, or give a picture of a thing of its world.",
        )
    placed = TriangleMesh(
        positions=((mesh.positions - 1.0) * (2.0 / lattice.side) - 1.0).astype(np.float32),
        triangles=mesh.triangles,
        normals=mesh.normals,
    )
    return simplify(without_specks(without_degenerate(placed), SPECK), faces)


def filling(mesh: TriangleMesh) -> TriangleMesh:
    """The same with its box about the origin, as long as things of the world are."""
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    scale = LONGEST / max(float((high - low).max()), 1e-6)  # a single place has no size
    return TriangleMesh(
        positions=((mesh.positions - 0.5 * (low + high)) * scale).astype(np.float32),
        triangles=mesh.triangles,
        colors=mesh.colors,
        normals=mesh.normals,
    )


def _asked(ask: Logits, wanted: Bool[NDArray[Any], "s s s"]) -> Float[NDArray[Any], " n"]:
    corners = np.argwhere(wanted) * (2.0 / (len(wanted) - 1)) - 1.0
    return np.asarray(ask(corners.astype(np.float32)), dtype=np.float32)


def _doubled(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Means between neighbours along an axis."""
    ahead = np.moveaxis(values, axis, 0)
    wide = np.empty((2 * len(ahead) - 1, *ahead.shape[1:]), values.dtype)
    wide[::2], wide[1::2] = ahead, 0.5 * (ahead[1:] + ahead[:-1])
    return np.moveaxis(wide, 0, axis)


def _about(inside: Bool[NDArray[Any], "s s s"]) -> Bool[NDArray[Any], "t t t"]:
    """Corners of the finer lattice in cells whose own corners differ, and in those beside."""
    crossed = ~(whole_cells(inside) | whole_cells(~inside))
    cells = ndimage.binary_dilation(crossed, np.ones((3, 3, 3), dtype=bool))
    halves = cells.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    corners = np.zeros(tuple(n + 1 for n in halves.shape), dtype=bool)
    for shift in itertools.product((slice(None, -1), slice(1, None)), repeat=3):
        corners[shift] |= halves
    return corners
