# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a prior before anything of it is loaded.

It must not know torch: commands and panels read this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Predicts(StrEnum):
    """What a network answers."""

    NOISE = "noise"
    VELOCITY = "velocity"


class Style(StrEnum):
    """How a rendering is lit (DreamFusion, section 3.2)."""

    ALBEDO = "albedo"
    """Colours as they are, no light."""
    SHADED = "shaded"
    """A lamp near the camera."""
    TEXTURELESS = "textureless"
    """Shape alone: lit, and white in place of colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The lamp of shaded renderings: a (ambient + diffuse max(0, n . l))."""

    ambient: float = 0.1
    diffuse: float = 0.9
    towards: tuple[float, float, float] | None = None
    """l, unit, in camera axes (x right, y up, z to the camera); None: at random near the camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of a prior without loading its network."""

    name: str
    """`embedded`, a folder or a model's id."""
    title: str
    licence: str
    """Of the weights, as it is shown to people."""
    predicts: Predicts
    size: int
    """Pixels of a side that it wants to be shown."""
    channels: int
    """Of a rendering: 3 for RGB; 4 for RGB times alpha, and alpha."""
    guidance: float
    """The strength of guidance that suits it."""
    styles: tuple[Style, ...]
    """Those that it was taught; others are asked for by words or not at all."""
    views: int = 1
    """Pictures that it looks at together, in a row, from azimuths evenly around."""
    coloured_lights: bool = False
    """Textureless renderings are (1 + n) / 2 of the normal in camera axes (x right, y up, z to the
    camera) in place of a white thing under a lamp: three lamps of three colours."""
    light: Light = Light()
    """DreamFusion's where the prior has none of its own."""
    shaken: float = 0.0
    """How far cameras may be off, in radii, for priors that only know a viewpoint's words."""
    distance: tuple[float, float] = (2.5, 3.0)
    fov: tuple[float, float] = (0.7, 0.9)
    elevation: tuple[float, float] = (-0.17, 1.05)
    """Ranges of the viewpoints that it knows."""
