# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes the holes of a mesh: each open edge's loop becomes a fan about its middle.

The result is watertight where the mesh was orientable; a cap is as flat as its loop.
It must not know images.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.ops.triangles import vertex_normals


def fill_holes(mesh: TriangleMesh) -> TriangleMesh:
    """The mesh with every loop of open edges closed; a closed mesh is returned as it is."""
    loops = boundary_loops(mesh)
    if not loops:
        return mesh
    first = len(mesh.positions)
    fans = [
        np.stack([np.roll(loop, -1), loop, np.full(len(loop), first + index)], axis=-1)
        for index, loop in enumerate(loops)
    ]
    positions = _with_means(mesh.positions, loops)
    triangles = np.concatenate([mesh.triangles, *fans]).astype(np.int32)
    return replace(
        mesh,
        positions=positions,
        triangles=triangles,
        colors=None if mesh.colors is None else _with_means(mesh.colors, loops),
        normals=None if mesh.normals is None else vertex_normals(positions, triangles),
    )


def boundary_loops(mesh: TriangleMesh) -> list[NDArray[Any]]:
    """Loops of vertices along open edges, in the direction of the triangles there.

    Loops that touch at a vertex come apart there; an edge of an even number of triangles is closed.
    """
    ahead = mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    count = len(mesh.positions)
    keys, backwards = ahead[:, 0] * count + ahead[:, 1], ahead[:, 1] * count + ahead[:, 0]
    following: dict[int, list[int]] = {}
    for start, end in ahead[~np.isin(keys, backwards)]:
        following.setdefault(int(start), []).append(int(end))
    loops = []
    while following:
        loop = _walk(following)
        if len(loop) > 2:
            loops.append(np.array(loop))
    return loops


def _walk(following: dict[int, list[int]]) -> list[int]:
    """Take edges away until a vertex comes again; what led there is given back."""
    path = [next(iter(following))]
    places = {path[0]: 0}
    while path[-1] in following:
        here = path[-1]
        there = following[here].pop()
        if not following[here]:
            del following[here]
        if there in places:
            for start, end in pairwise(path[: places[there] + 1]):
                following.setdefault(start, []).append(end)
            return path[places[there] :]
        places[there] = len(path)
        path.append(there)
    return []  # an open path: only a mesh with one-sided pieces has it


def _with_means(values: NDArray[Any], loops: list[NDArray[Any]]) -> NDArray[Any]:
    means = [values[loop].mean(axis=0) for loop in loops]
    return np.concatenate([values, np.stack(means)]).astype(values.dtype)
