# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solid made of words shows: pictures from anywhere, a coarse mesh, the mesh at the end.

The unit ball is the one that the region's cube holds: x_world = world_from_region x. Rays of a
camera in the world become rays of the ball's frame and are moved to where they come near the ball,
in double precision, since a camera without perspective may stand very far away.
It must not know how a solid learns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.fields.radiance_render import Bundle
from lightkiln.fields.solid import Solid
from lightkiln.fields.surface_grid import SurfaceGrid
from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract_dense
from lightkiln.mesh.simplify import simplify
from lightkiln.ops.colors import linear_from_srgb
from lightkiln.ops.picture import RenderedImage, preview_camera
from lightkiln.ops.rays import pixel_centres, pixel_directions, world_from_pixel
from lightkiln.ops.triangles import vertex_normals

SPECKS = 0.02
"""Parts with less than this share of the largest part's area are no parts of the thing."""
CHUNK = 1 << 14
"""Rays that are looked along at once."""
AMBIENT, DIFFUSE = 0.5, 0.5
"""Of the lamp at the camera, in pictures for people."""
BEFORE = 2.0
"""Radii before a ray's nearest place, where it begins."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A solid in the world."""

    solid: Solid
    region: Region

    @torch.no_grad()
    def rendered(self, camera: Camera, most_pixels: int) -> RenderedImage:
        """What the camera sees, in fewer pixels if it asks for many."""
        small = preview_camera(camera, most=most_pixels)
        pixels = np.arange(small.width * small.height)
        parts = [
            self._looked(small, pixels[start : start + CHUNK])
            for start in range(0, len(pixels), CHUNK)
        ]
        shape = (small.height, small.width, 4)
        picture = np.rint(255.0 * np.clip(np.concatenate(parts), 0.0, 1.0))
        return RenderedImage(pixels=picture.astype(np.uint8).reshape(shape), camera=small)

    def _looked(self, camera: Camera, pixels: NDArray[Any]) -> NDArray[Any]:
        """sRGB and straight alpha (n, 4) of some pixels, lit from the camera."""
        rays = self._rays(camera, pixels)
        sections = self.solid.sections(rays, normals=True)
        facing = -(sections.normals * rays.directions[sections.ray]).sum(dim=-1, keepdim=True)
        light = AMBIENT + DIFFUSE * facing.clamp(min=0.0)
        seen = sections.seen(light * sections.albedo)
        alpha = 1.0 - sections.left[:, None]
        # Fainter than 1 / 255, alpha rounds to 0 anyway.
        out = torch.cat([seen / alpha.clamp(min=1.0 / 255.0), alpha], dim=-1)
        return np.asarray(out.cpu().numpy())

    def _rays(self, camera: Camera, pixels: NDArray[Any]) -> Bundle:
        matrix = np.linalg.inv(np.asarray(self.region.world_from_region, dtype=np.float64))
        places = pixel_centres(pixels, camera.width)
        directions = pixel_directions(world_from_pixel(camera), places) @ matrix[:3, :3].T
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        origin = matrix[:3, :3] @ camera.centre + matrix[:3, 3]
        nearest = -(directions @ origin)  # the t of a ray's place nearest to the middle
        start = np.maximum(nearest - BEFORE, 0.0)
        device = next(self.solid.parameters()).device
        moved = _floats(origin + start[:, None] * directions, device)
        middle = torch.full((len(pixels),), 0.5, device=device)
        return Bundle(origins=moved, directions=_floats(directions, device), jitter=middle)


def mesh_of(grid: SurfaceGrid, region: Region, faces: int) -> TriangleMesh | None:
    """The surface in the world with linear colours; None if there is none."""
    f = grid.bounded().detach().cpu().numpy()
    mesh = extract_dense(f, np.ones(np.array(f.shape) - 1, dtype=bool))
    if len(mesh.triangles) == 0:
        return None
    local = mesh.positions * grid.voxel - 1.0
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    triangles = mesh.triangles
    if np.linalg.det(matrix[:3, :3]) < 0.0:  # a mirror turns outsides in
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    colored = TriangleMesh(
        positions=(local @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32),
        triangles=triangles,
        colors=_colors(grid, local.astype(np.float32)),
    )
    small = simplify(without_specks(colored, SPECKS), faces)
    return replace(small, normals=vertex_normals(small.positions, small.triangles))


def finished(grid: SurfaceGrid, region: Region, faces: int) -> TriangleMesh:
    """The mesh that a person gets; raises `NothingReconstructed`."""
    mesh = mesh_of(grid, region, faces)
    if mesh is None:
        raise NothingReconstructed(
            "Nothing was left of the thing.", hint="Try another seed, or say it in plainer words."
        )
    return mesh


@torch.no_grad()
def _colors(grid: SurfaceGrid, x: NDArray[Any]) -> NDArray[Any]:
    read = grid.read(torch.from_numpy(x).to(grid.distance.device), slopes=False)
    return np.asarray(linear_from_srgb(read.albedo.cpu().numpy()), dtype=np.float32)


def _floats(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(device)
