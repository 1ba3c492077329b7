# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a solid as a prior wants to see them, with what losses want to know of them.

It must not know priors' networks, losses or schedules.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.fields.radiance_render import Bundle
from lightkiln.fields.solid import Sections, Solid
from lightkiln.priors.manifest import Style

from .lamps import Lamps, painted
from .viewing import Cameras, rays_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rendering:
    """Pictures, and what they are made of."""

    color: Float[Tensor, "b 3 h w"]
    """sRGB values times opacity."""
    opacity: Float[Tensor, "b 1 h w"]
    sections: Sections
    rays: Bundle

    @property
    def with_alpha(self) -> Float[Tensor, "b 4 h w"]:
        """RGB times alpha, and alpha."""
        return torch.cat([self.color, self.opacity], dim=1)

    def before(self, backdrop: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """RGB, with something behind."""
        return self.color + (1.0 - self.opacity) * backdrop


def rendered(
    solid: Solid, cameras: Cameras, lamps: Lamps, style: Style, size: int, draw: torch.Generator
) -> Rendering:
    """What cameras see, `size` pixels a side."""
    count = len(cameras.places)
    jitter = torch.rand(count * size**2, generator=draw).to(cameras.places.device)
    rays = rays_of(cameras, size, jitter)
    sections = solid.sections(rays, normals=style is not Style.ALBEDO)
    colors = painted(sections, sections.ray // size**2, style, lamps, cameras)
    seen = sections.seen(colors).reshape(count, size, size, 3).permute(0, 3, 1, 2)
    opacity = (1.0 - sections.left).reshape(count, 1, size, size)
    return Rendering(color=seen, opacity=opacity, sections=sections, rays=rays)
