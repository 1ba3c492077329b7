# SPDX-License-Identifier: GPL-3.0-or-later
"""What a neural surface shows: pictures, a coarse mesh in its own colours, the mesh at the end.

It must not know how it learns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.neural_render import Bundle, Sampling, look
from lightkiln.fields.neural_surface import NeuralSurface
from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract
from lightkiln.mesh.near_surface import bricks_near_surface
from lightkiln.mesh.simplify import simplify
from lightkiln.ops.colors import linear_from_srgb
from lightkiln.ops.picture import RenderedImage, preview_camera
from lightkiln.ops.triangles import vertex_normals
from lightkiln.stereo import lattice
from lightkiln.stereo.vertex_colors import colored

from .ball import Ball, camera_rays

CPU_PIXELS = 100 * 75
"""Of a picture made on the processor: each takes some hundred evaluations of the networks."""
CHUNK = {"cpu": 1 << 16, "cuda": 1 << 20}
"""Places that are asked at once."""
COARSE_RESOLUTION, COARSE_FACES = 64, 50_000


class Pictures:
    """A surface in its ball, looked at."""

    def __init__(
        self, surface: NeuralSurface, ball: Ball, region: Region, sampling: Sampling
    ) -> None:
        self._surface, self._ball, self._region = surface, ball, region
        self._sampling = sampling

    @property
    def _device(self) -> torch.device:
        return next(self._surface.parameters()).device

    @torch.no_grad()
    def rendered(self, camera: Camera) -> RenderedImage:
        """What the camera sees, in fewer pixels if it asks for many."""
        most = {"most": CPU_PIXELS} if self._device.type == "cpu" else {}
        small = preview_camera(camera, **most)
        pixels = np.arange(small.width * small.height)
        per_ray = self._sampling.even + self._sampling.rounds * self._sampling.more
        chunk = max(CHUNK[self._device.type] // per_ray, 1)
        parts = [
            self._looked(small, pixels[start : start + chunk])
            for start in range(0, len(pixels), chunk)
        ]
        shape = (small.height, small.width, 4)
        picture = np.rint(255.0 * np.clip(np.concatenate(parts), 0.0, 1.0))
        return RenderedImage(pixels=picture.astype(np.uint8).reshape(shape), camera=small)

    def _looked(self, camera: Camera, pixels: NDArray[Any]) -> NDArray[Any]:
        """sRGB and straight alpha (n, 4) of some pixels."""
        origins, directions = (
            each.to(self._device) for each in camera_rays(camera, self._ball, pixels)
        )
        code = self._surface.codes.mean(dim=0)
        rays = Bundle(
            origins=origins,
            directions=directions,
            codes=code.expand(len(pixels), -1),
            jitter=torch.full_like(origins[:, 0], 0.5),
        )
        seen = look(self._surface, rays, self._sampling, 1.0, learning=False)
        alpha = 1.0 - seen.left[:, None]
        if seen.behind is None:
            # Fainter than 1 / 255, alpha rounds to 0 anyway.
            out = torch.cat([seen.color / alpha.clamp(min=1.0 / 255.0), alpha], dim=-1)
        else:
            whole = seen.color + seen.left[:, None] * seen.behind
            out = torch.cat([whole, torch.ones_like(alpha)], dim=-1)
        return np.asarray(out.cpu().numpy())

    def coarse_mesh(self) -> TriangleMesh | None:
        """The surface so far, as the networks paint it; None if there is none."""
        mesh = self._extracted(COARSE_RESOLUTION)
        if len(mesh.triangles) == 0:
            return None
        mesh = simplify(mesh, COARSE_FACES)
        normals = vertex_normals(mesh.positions, mesh.triangles)
        colors = linear_from_srgb(self._asked(self._painted, mesh.positions))
        return replace(mesh, normals=normals, colors=colors.astype(np.float32))

    def finished(self, inputs: Inputs, resolution: int, faces: int) -> TriangleMesh:
        """The mesh that a person gets; raises `NothingReconstructed`."""
        mesh = self._extracted(resolution)
        if len(mesh.triangles) == 0:
            raise NothingReconstructed(
                "No surface was found in the region.",
                hint="Check that the region holds the object, and give it more steps.",
            )
        mesh = simplify(mesh, faces)
        normals = vertex_normals(mesh.positions, mesh.triangles)
        return colored(replace(mesh, normals=normals), inputs.views)

    def _extracted(self, resolution: int) -> TriangleMesh:
        low, high = lattice.bounds(self._region)
        place = lattice.around(low, high, resolution)
        grid = bricks_near_surface(
            lambda x: self._ball.radius * self._asked(self._surface.distance, x),
            self._border,
            place.origin,
            place.voxel,
            np.array(place.shape) - 1,
        )
        return without_specks(extract(grid))

    def _border(self, x: NDArray[Any]) -> NDArray[Any]:
        """How far places (n, 3) are beyond the region's border: its sign, and a bound, metres."""
        matrix = np.linalg.inv(self._region.world_from_region)
        local = x @ matrix[:3, :3].T + matrix[:3, 3]
        scale = np.linalg.norm(self._region.world_from_region[:3, :3], axis=0)
        if self._region.shape is RegionShape.SPHERE:
            return np.asarray((np.linalg.norm(local, axis=-1) - 1.0) * scale.min())
        return np.asarray(((np.abs(local) - 1.0) * scale).max(axis=-1))

    def _painted(self, x: Tensor) -> Tensor:
        """sRGB values (n, 3), seen head-on."""
        found = self._surface.geometry(x, learning=False)
        normal = normalize(found.gradient, dim=-1)
        code = self._surface.codes.mean(dim=0).expand(len(x), -1)
        color: Tensor = self._surface.color(x, -normal, normal, found.features, code)
        return color

    @torch.no_grad()
    def _asked(self, question: Any, x_world: NDArray[Any]) -> NDArray[Any]:
        """A function of places in the ball, asked of places in the world, a part at a time."""
        chunk = CHUNK[self._device.type]
        answers = []
        for start in range(0, len(x_world), chunk):
            place = self._ball.from_world(x_world[start : start + chunk]).astype(np.float32)
            answers.append(question(torch.from_numpy(place).to(self._device)).cpu().numpy())
        return np.concatenate(answers) if answers else np.zeros(0, dtype=np.float32)
