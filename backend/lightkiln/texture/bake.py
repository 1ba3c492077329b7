# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of an atlas, baked from photographs; views are taken one at a time.

Memory: 60 bytes and a few for each texel and kept view's word, whatever the number of views: about
0.4 GB for 2048 x 2048 texels.
It must not know how the mesh was unwrapped or where it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.atlas import rasterize_atlas, spread, texel_size
from lightkiln.ops.triangles import unit, vertex_normals

from .exposure import compensation, solve_gains
from .kernels import CHANNELS, blend, keep_best
from .look import look, matched

NUM_KEPT = 6
"""Views of which a texel keeps the word: the best ones."""
NUM_PROBES = 20_000
"""Points at which exposures are compared."""
GREY = 127.0
"""sRGB value of a mesh that no view sees at all."""

Steps = Callable[[int], Iterable[int]]
"""Counts to a number; whoever watches puts progress and cancelling in it."""


def bake(
    mesh: TriangleMesh,
    uvs: Float[NDArray[Any], "V 2"],
    views: Sequence[LoadedView],
    size: int,
    steps: Steps = range,
) -> UInt8[NDArray[Any], "S S 3"]:
    """The base colour, sRGB, top row first; `mesh` is unwrapped to `uvs`.

    What no view sees takes the colours near it.
    """
    texel = texel_size(mesh, uvs, size)
    views = [matched(view, mesh, texel) for view in views]
    atlas = rasterize_atlas(mesh.triangles, uvs, size)
    normals = mesh.normals
    if normals is None:
        normals = vertex_normals(mesh.positions, mesh.triangles)
    points = atlas.interpolate(mesh.triangles, mesh.positions)
    facing = unit(atlas.interpolate(mesh.triangles, normals)).astype(np.float32)
    tables = [compensation(gain) for gain in exposures(mesh, points, facing, views)]
    kept = np.zeros((len(points), NUM_KEPT, CHANNELS), dtype=np.uint8)
    weights = np.zeros((len(points), NUM_KEPT), dtype=np.float32)
    for index in steps(len(views)):
        keep_best(*look(views[index], mesh, tables[index]).at(points, facing), kept, weights)
    blended = np.full((len(points), 3), GREY, dtype=np.float32)
    blend(kept, weights, blended)
    blended = spread(points, blended, weights.max(axis=1, initial=0.0) > 0.0)
    return atlas.image(np.rint(np.clip(blended, 0.0, 255.0)).astype(np.uint8))


def exposures(
    mesh: TriangleMesh,
    points: Float[NDArray[Any], "T 3"],
    normals: Float[NDArray[Any], "T 3"],
    views: Sequence[LoadedView],
) -> Float[NDArray[Any], "N 3"]:
    """The gain of each view and channel, from some of the points."""
    some = np.random.default_rng(0).permutation(len(points))[:NUM_PROBES]
    srgb = np.zeros((len(views), len(some), 3), dtype=np.float32)
    weights = np.zeros((len(views), len(some)), dtype=np.float32)
    as_it_is = compensation(np.ones(3))
    for index, view in enumerate(views):
        colors, weights[index] = look(view, mesh, as_it_is).at(points[some], normals[some])
        srgb[index] = colors[:, 3:]
    return solve_gains(srgb, weights)
