# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a step looks from and how it is lit, by chance, within what the prior knows.

Azimuths are stratified over a step's pictures, so that each step sees all sides. Elevations are,
half and half, even in the angle and even on the sphere, else the poles would be seen too often or
never. A prior of several views is shown its groups: one elevation, evenly around. The styles follow
DreamFusion's section 3.2: colours first, then mostly lit and half of that without colours.
It must not know fields.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Viewpoints

SHARES: Mapping[Style, float] = {Style.ALBEDO: 0.25, Style.SHADED: 0.375, Style.TEXTURELESS: 0.375}
"""Of the steps that may be lit."""


def drawn_viewpoints(manifest: Manifest, count: int, draw: torch.Generator) -> Viewpoints:
    """`count` of them, in whole groups of the prior's views, at least one."""
    groups = max(count // manifest.views, 1)
    azimuth = _azimuths(groups, manifest.views, draw)

    def of_groups(values: Tensor) -> Tensor:
        return values.repeat_interleave(manifest.views)

    return Viewpoints(
        azimuth=azimuth,
        elevation=of_groups(_elevations(manifest.elevation, groups, draw)),
        distance=of_groups(_within(manifest.distance, torch.rand(groups, generator=draw))),
        fov=of_groups(_within(manifest.fov, torch.rand(groups, generator=draw))),
    )


def four_sides(manifest: Manifest) -> Viewpoints:
    """Front, right, back and left, a little from above, as one would look at a thing first."""
    low, high = manifest.elevation
    middles = [0.5 * sum(ends) for ends in (manifest.distance, manifest.fov)]
    return Viewpoints(
        azimuth=torch.arange(4) * (0.5 * math.pi),
        elevation=torch.full((4,), min(max(0.25, low), high)),
        distance=torch.full((4,), middles[0]),
        fov=torch.full((4,), middles[1]),
    )


def part(viewpoints: Viewpoints, index: Tensor | slice) -> Viewpoints:
    """Some of them."""
    return Viewpoints(
        azimuth=viewpoints.azimuth[index],
        elevation=viewpoints.elevation[index],
        distance=viewpoints.distance[index],
        fov=viewpoints.fov[index],
    )


def placed(viewpoints: Viewpoints, device: torch.device) -> Viewpoints:
    """The same on a device."""
    return Viewpoints(
        azimuth=viewpoints.azimuth.to(device),
        elevation=viewpoints.elevation.to(device),
        distance=viewpoints.distance.to(device),
        fov=viewpoints.fov.to(device),
    )


def drawn_style(manifest: Manifest, u: float, colors_until: float, draw: torch.Generator) -> Style:
    """At progress u; only colours before `colors_until`, and only styles that the prior knows."""
    known = [style for style in SHARES if style in manifest.styles]
    if not known or (u < colors_until and Style.ALBEDO in known):
        return Style.ALBEDO
    shares = torch.tensor([SHARES[style] for style in known])
    return known[int(torch.multinomial(shares, 1, generator=draw))]


def _azimuths(groups: int, views: int, draw: torch.Generator) -> Tensor:
    """Each group fills the circle; with one view to a group all of them do together."""
    if views == 1:
        return (torch.arange(groups) + torch.rand(groups, generator=draw)) * (2 * math.pi / groups)
    first = torch.rand((groups, 1), generator=draw) * (2.0 * math.pi)
    return (first + torch.arange(views) * (2.0 * math.pi / views)).reshape(-1)


def _elevations(ends: tuple[float, float], count: int, draw: torch.Generator) -> Tensor:
    u = torch.rand(count, generator=draw)
    on_sphere = torch.asin(_within((math.sin(ends[0]), math.sin(ends[1])), u))
    return torch.where(torch.rand(count, generator=draw) < 0.5, on_sphere, _within(ends, u))


def _within(ends: tuple[float, float], u: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * u
