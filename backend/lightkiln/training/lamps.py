# SPDX-License-Identifier: GPL-3.0-or-later
"""How sections are lit in each style (DreamFusion, arXiv:2209.14988, eq. 7).

    shaded       a (ambient + diffuse max(0, n . l))
    textureless  the same with a = 1; or (1 + n) / 2 in camera axes, where lights are coloured

a the albedo, n the normal, l the unit direction to the lamp. All are sRGB values, as what the
priors were shown. It must not know fields or rays.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from lightkiln.fields.solid import Sections
from lightkiln.priors.manifest import Light, Style

from .viewing import Cameras


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lamps:
    """Where the light of each picture comes from."""

    towards: Float[Tensor, "b 3"]
    """l, in the ball's frame."""
    ambient: float
    diffuse: float
    coloured: bool
    """Textureless is the normal in camera axes."""


def lamps_for(light: Light, coloured: bool, cameras: Cameras, draw: torch.Generator) -> Lamps:
    """As the prior's world has them; DreamFusion's lamp stands near the camera, at random."""
    if light.towards is None:
        shift = torch.randn(cameras.places.shape, generator=draw).to(cameras.places.device)
        towards = normalize(normalize(cameras.places, dim=-1) + shift, dim=-1)
    else:
        towards = cameras.places.new_tensor(light.towards) @ cameras.axes
    return Lamps(towards=towards, ambient=light.ambient, diffuse=light.diffuse, coloured=coloured)


def painted(
    sections: Sections, picture: Int[Tensor, " m"], style: Style, lamps: Lamps, cameras: Cameras
) -> Float[Tensor, "m 3"]:
    """The colours of sections; `picture` says in which picture each is."""
    if style is Style.ALBEDO:
        return sections.albedo
    normals = sections.normals
    if style is Style.TEXTURELESS and lamps.coloured:
        axes = cameras.axes[picture]
        return 0.5 + 0.5 * (axes @ normals[:, :, None])[..., 0]
    facing = (normals * lamps.towards[picture]).sum(dim=-1).clamp(min=0.0)
    shade = (lamps.ambient + lamps.diffuse * facing)[:, None]
    return shade * sections.albedo if style is Style.SHADED else shade.expand(-1, 3)
