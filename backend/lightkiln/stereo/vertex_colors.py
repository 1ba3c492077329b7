# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of a mesh's vertices, blended from the photographs that see them.

A view sees a vertex if nothing of the mesh lies before it. Its weight is w = cos⁴θ / z², θ between
the normal and the way to the camera, z the depth: frontal and near views know best. Blending is
robust (Charbonnier's weights): c = Σ ρ w c_i / Σ ρ w with ρ_i = 1 / sqrt(|c_i - c|² + e²), so a
highlight or a wrong mask in one view does not stain the surface.
It must not know how the mesh was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.camera import Camera, project
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.rasterize import rasterize
from lightkiln.mesh.visibility import hidden
from lightkiln.ops.colors import linear_from_srgb
from lightkiln.ops.triangles import unit, vertex_normals

SOFTNESS = 0.05
"""e, in sRGB values: smaller differences are noise."""
ROUNDS = 3
"""Of reweighting; the first starts from the weighted mean."""
EDGE = 2.0
"""Vertices so many pixels or fewer behind the depth seen are still on the surface: its slope."""
GREY = 0.2140
"""Linear colour of what no view sees: sRGB's middle grey."""


def colored(mesh: TriangleMesh, views: Sequence[LoadedView]) -> TriangleMesh:
    """The mesh with linear colours (V, 3); what nobody sees takes the colour of its neighbours."""
    normals = mesh.normals
    if normals is None:
        normals = vertex_normals(mesh.positions, mesh.triangles)
    samples = np.zeros((len(views), len(mesh.positions), 3), dtype=np.float32)
    weights = np.zeros((len(views), len(mesh.positions)), dtype=np.float32)
    for index, view in enumerate(views):
        samples[index], weights[index] = _look(mesh, normals, view)
    srgb = _blend(samples, weights)
    linear = linear_from_srgb(srgb)
    seen = weights.sum(axis=0) > 0.0
    return replace(mesh, normals=normals, colors=_spread(mesh, linear, seen).astype(np.float32))


def _look(
    mesh: TriangleMesh, normals: NDArray[Any], view: LoadedView
) -> tuple[Float[NDArray[Any], "V 3"], Float[NDArray[Any], " V"]]:
    """What a view says of each vertex: sRGB in [0, 1] and its weight, 0 if it cannot see it."""
    camera = view.camera
    pixels, depth = project(camera, mesh.positions.astype(np.float64))
    towards = unit(camera.centre - mesh.positions)
    cosine = np.maximum((normals * towards).sum(axis=-1), 0.0)
    seen = _unhidden(mesh, camera, pixels, depth) & (cosine > 0.0)
    row, column = pixels[:, 1] - 0.5, pixels[:, 0] - 0.5
    at = np.where(seen, np.stack([row, column]), 0.0)
    color = np.stack(
        [map_coordinates(view.image[..., c], at, order=1, output=np.float32) for c in range(3)],
        axis=-1,
    )
    weight = np.where(seen, cosine**4 / np.maximum(depth, 1e-9) ** 2, 0.0)  # behind: not seen
    if view.mask is not None:
        # a border pixel mixes in the background: full weight from two pixels inside on
        inside = distance_transform_edt(view.mask > 0.5)
        weight *= np.clip(map_coordinates(inside, at, order=1) / EDGE, 0.0, 1.0) ** 2
    return color / np.float32(255.0), weight


def _unhidden(
    mesh: TriangleMesh, camera: Camera, pixels: NDArray[Any], depth: NDArray[Any]
) -> Bool[NDArray[Any], " V"]:
    """Whether a vertex lies in the picture, with nothing before it."""
    slack = EDGE * depth / camera.focal[0]
    return np.asarray(~hidden(rasterize(mesh, camera).depth, pixels, depth, slack))


def _blend(
    samples: Float[NDArray[Any], "N V 3"], weights: Float[NDArray[Any], "N V"]
) -> Float[NDArray[Any], "V 3"]:
    total = weights
    for _ in range(ROUNDS):
        share = total / np.maximum(total.sum(axis=0), 1e-30)  # unseen vertices: 0 / anything
        mean = np.einsum("nv,nvc->vc", share, samples)
        distance = ((samples - mean) ** 2).sum(axis=-1)
        total = weights / np.sqrt(distance + SOFTNESS**2)
    share = total / np.maximum(total.sum(axis=0), 1e-30)
    return np.asarray(np.einsum("nv,nvc->vc", share, samples))


def _spread(
    mesh: TriangleMesh, colors: NDArray[Any], known: Bool[NDArray[Any], " V"]
) -> NDArray[Any]:
    """Let unseen vertices take the mean of known neighbours, ring by ring."""
    colors, known = np.where(known[:, None], colors, GREY), known.copy()
    edges = mesh.triangles[:, [0, 1, 1, 2, 2, 0, 1, 0, 2, 1, 0, 2]].reshape(-1, 2)
    while not known.all():
        ring = edges[~known[edges[:, 0]] & known[edges[:, 1]]]
        if len(ring) == 0:
            break  # a part that no view sees at all stays grey
        reached, place = np.unique(ring[:, 0], return_inverse=True)
        total = np.zeros((len(reached), 3))
        np.add.at(total, place, colors[ring[:, 1]])
        colors[reached] = total / np.bincount(place)[:, None]
        known[reached] = True
    return colors
