# SPDX-License-Identifier: GPL-3.0-or-later
"""The rays of viewpoints: cameras about the origin, in the frame of the unit ball.

Notation: at azimuth p and elevation e the axes are

    backwards b = (sin p cos e, -cos p cos e, sin e),   right r = (cos p, sin p, 0),   up u = b x r

the camera stands at distance * b, and pixel (x, y) of a side of `size` looks along
x' r + y' u - b with x' = tan(fov / 2) (2 x / size - 1), y' = tan(fov / 2) (1 - 2 y / size).
Camera axes here are right, up, backwards. It must not know fields or priors' networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from lightkiln.fields.radiance_render import Bundle
from lightkiln.priors.prior import Viewpoints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cameras:
    """Placed cameras."""

    axes: Float[Tensor, "b 3 3"]
    """Rows: right, up, backwards; takes a direction to camera axes."""
    places: Float[Tensor, "b 3"]
    half: Float[Tensor, " b"]
    """tan(fov / 2)."""


def cameras_at(viewpoints: Viewpoints) -> Cameras:
    """Exactly at the viewpoints."""
    p, e = viewpoints.azimuth, viewpoints.elevation
    backwards = torch.stack([p.sin() * e.cos(), -p.cos() * e.cos(), e.sin()], dim=-1)
    right = torch.stack([p.cos(), p.sin(), torch.zeros_like(p)], dim=-1)
    return Cameras(
        axes=torch.stack([right, torch.linalg.cross(backwards, right), backwards], dim=1),
        places=viewpoints.distance[:, None] * backwards,
        half=(0.5 * viewpoints.fov).tan(),
    )


def shaken(cameras: Cameras, draw: torch.Generator, strength: float) -> Cameras:
    """Cameras moved, aimed and turned a little wrong, so that none relies on them (DreamFusion).

    Places move by up to `strength` on each axis; aims by twice, ups by a fifth of it, normally.
    """
    device, shape = cameras.places.device, cameras.places.shape
    moved, aimed, turned = (torch.randn(shape, generator=draw).to(device) for _ in range(3))
    places = cameras.places + strength * moved.clamp(-1.0, 1.0)
    backwards = normalize(places - 2.0 * strength * aimed, dim=-1)
    upright = cameras.axes[:, 1] + 0.2 * strength * turned
    right = normalize(torch.linalg.cross(upright, backwards), dim=-1)
    axes = torch.stack([right, torch.linalg.cross(backwards, right), backwards], dim=1)
    return Cameras(axes=axes, places=places, half=cameras.half)


def rays_of(cameras: Cameras, size: int, jitter: Float[Tensor, " rays"]) -> Bundle:
    """Of all pixels, picture by picture, row by row from the top; b size² of them."""
    place = (2.0 * torch.arange(size, device=cameras.half.device) + 1.0) / size - 1.0
    y, x = torch.meshgrid(-place, place, indexing="ij")
    plane = torch.stack([x, y], dim=-1).reshape(1, -1, 2) * cameras.half[:, None, None]
    ends = torch.cat([plane, torch.full_like(plane[..., :1], -1.0)], dim=-1)
    directions = normalize(ends @ cameras.axes, dim=-1)
    origins = cameras.places[:, None].expand_as(directions)
    return Bundle(
        origins=origins.reshape(-1, 3).contiguous(),
        directions=directions.reshape(-1, 3).contiguous(),
        jitter=jitter,
    )
