# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prior is: it knows how a prompt looks from a viewpoint, and says so of a noisy picture.

Notation (Ho et al. 2020, arXiv:2006.11239; Salimans and Ho 2022, arXiv:2202.00512, appendix D):
z_t = a x + s e with a² = abar(t), s² = 1 - abar(t), e ~ N(0, 1); t in [0, 1], 0 is clean.
A prior predicts e, or v = a e - s x; `schedule` turns one into the other.
It must not know fields, losses or jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from .manifest import Light, Manifest, Predicts, Style

__all__ = ["Light", "Manifest", "Predicts", "Prior", "Style", "Viewpoints", "Words"]


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


@runtime_checkable
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
