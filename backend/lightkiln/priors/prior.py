# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prior is: it knows how a prompt looks from a viewpoint, and says so of a noisy picture.

Notation (Ho et al. 2020, arXiv:2006.11239; Salimans and Ho 2022, arXiv:2202.00512, appendix D):
z_t = a x + s e with a² = abar(t), s² = 1 - abar(t), e ~ N(0, 1); t in [0, 1], 0 is clean.
A prior predicts e, or v = a e - s x; `schedule` turns one into the other.
It must not know fields, losses or jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from jaxtyping import Float
from torch import Tensor


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Viewpoints:
    """Cameras about the origin that look at it, Z up."""

    azimuth: Float[Tensor, " b"]
    """Radians about +Z; 0 stands before the front, on -Y; pi / 2 on +X."""
    elevation: Float[Tensor, " b"]
    """Radians above the horizon."""
    distance: Float[Tensor, " b"]
    """From the origin, in radii of the unit ball that holds the thing."""
    fov: Float[Tensor, " b"]
    """Of the picture's whole side, radians."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A prompt, as a prior has understood it."""

    prompt: Any
    """What `predict` takes as `text`; each prior has its own."""
    nothing: Any
    """The same for no prompt, or for the negative one: what guidance leads away from."""
    understood: str
    """The prompt as it was understood, for people."""
    unknown: tuple[str, ...] = ()
    """Words that meant nothing to it."""


class Prior(Protocol):
    """One interface for all."""

    @property
    def manifest(self) -> Manifest: ...

    def words(self, prompt: str, negative: str) -> Words:
        """Understand a prompt; raises `InvalidPrompt` with what it does know."""

    def abar(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """The share of the picture's power that is left at t."""

    def encode(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        """Renderings, sRGB values in [0, 1], as what noise is added to; differentiable."""

    def decode(self, latents: Float[Tensor, "b d i j"]) -> Float[Tensor, "b c h w"]:
        """And back, for people to look at."""

    def predict(
        self,
        noisy: Float[Tensor, "b d i j"],
        t: Float[Tensor, " b"],
        text: Any,
        viewpoints: Viewpoints,
        style: Style,
    ) -> Float[Tensor, "b d i j"]:
        """Noise or velocity, without gradients; `text` is `Words.prompt` or `Words.nothing`."""
