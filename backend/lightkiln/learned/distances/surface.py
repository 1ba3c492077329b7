# SPDX-License-Identifier: GPL-3.0-or-later
"""From a signed distance in the cube to its closed surface, looked at finely only where it passes.

A coarse lattice is doubled again and again; only places that the last one puts near the surface
are asked anew, the others keep what lies between their neighbours. On the cube's faces all is
outside, so the surface is closed. It must not know networks or codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from torch import Tensor
from torch.nn.functional import interpolate

from lightkiln.mesh.clean import without_degenerate, without_specks
from lightkiln.mesh.extract import extract_dense

Field = Callable[[Float[Tensor, "n 3"]], Float[Tensor, " n"]]

COARSEST = 24
"""Cells along an edge that are enough to meet every part: finer than the thinnest leg is thick."""
REACH = 1.2
"""A surface may pass within so many cells' diagonals of a distance of that many; more than half,
since what was learned is no true distance."""
AT_ONCE = 32_768


def surface_of(field: Field, resolution: int) -> TriangleMesh:
    """The zero level set in the cube, about `resolution` cells along an edge; it may be empty."""
    doublings = max(0, int(np.log2(resolution / COARSEST)))
    cells = int(np.ceil(resolution / 2**doublings))
    values = _asked(field, _lattice(cells).reshape(-1, 3)).reshape((cells + 1,) * 3)
    for _ in range(doublings):
        values, cells = _doubled(field, values), 2 * cells
    closed = _closed(values, 1.0 / cells).numpy()
    mesh = extract_dense(closed, np.ones((cells,) * 3, dtype=bool))
    if len(mesh.triangles) == 0:
        return mesh
    placed = replace(mesh, positions=(mesh.positions * (2.0 / cells) - 1.0).astype(np.float32))
    return without_specks(without_degenerate(placed))


def _doubled(field: Field, values: Float[Tensor, "x y z"]) -> Float[Tensor, "X Y Z"]:
    """Twice as fine."""
    cells = 2 * (len(values) - 1)
    between = interpolate(
        values[None, None], size=(cells + 1,) * 3, mode="trilinear", align_corners=True
    )[0, 0]
    near = between.abs() < REACH * np.sqrt(3.0) * 2.0 / cells
    between[near] = _asked(field, _lattice(cells)[near])
    return between


def _asked(field: Field, x: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    with torch.no_grad():  # what inference mode makes could not be closed in place
        return torch.cat(
            [field(part).cpu() for part in torch.split(x, AT_ONCE)] or [torch.zeros(0)]
        )


def _lattice(cells: int) -> Float[Tensor, "x y z 3"]:
    steps = torch.linspace(-1.0, 1.0, cells + 1)
    return torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1)


def _closed(values: Float[Tensor, "x y z"], least: float) -> Float[Tensor, "x y z"]:
    """At least `least` on the six faces."""
    for axis in range(3):
        for end in (0, -1):
            face: Any = [slice(None)] * 3
            face[axis] = end
            values[tuple(face)] = values[tuple(face)].clamp_min(least)
    return values
