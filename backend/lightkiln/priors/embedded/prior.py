# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in prior at work: its network, asked by sentences and viewpoints.

A picture (RGB times alpha, alpha) in [0, 1] is 2 p - 1 to the network, which answers with the clean
picture; what is handed on is the velocity that leads there. It must not know training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from lightkiln_shared.errors import InvalidPrompt
from safetensors.torch import load_file
from torch import Tensor

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Viewpoints, Words
from lightkiln.priors.schedule import cosine, velocity_to

from .manifest import MANIFEST, STYLES
from .network import Network
from .sentence import read
from .slots import COUNTS, NUM_THINGS, numbers

FILE = "weights.safetensors"
WEIGHTS = Path(__file__).parent / FILE


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A sentence as numbers; zeros: nothing."""

    things: Tensor
    """(1, things, slots)"""
    relation: Tensor
    """(1,)"""


class EmbeddedPrior:
    """Satisfies `Prior`."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._device = device

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    def words(self, prompt: str, negative: str) -> Words:
        """Reads both; a negative prompt takes the place of nothing said."""
        sentence, unknown = read(prompt)
        nothing = self._told("")
        if negative.strip():
            unwanted, more = read(negative)
            unknown = (*unknown, *more)
            nothing = self._told(str(unwanted))
        return Words(
            prompt=self._told(prompt),
            nothing=nothing,
            understood=str(sentence),
            unknown=tuple(dict.fromkeys(unknown)),
        )

    def abar(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return cosine(t)

    def encode(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return 2.0 * pictures - 1.0

    def decode(self, latents: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return 0.5 * latents + 0.5

    @torch.no_grad()
    def predict(
        self,
        noisy: Float[Tensor, "b c h w"],
        t: Float[Tensor, " b"],
        text: Told,
        viewpoints: Viewpoints,
        style: Style,
    ) -> Float[Tensor, "b c h w"]:
        count = len(noisy)
        with short_numbers(self._device):
            meant = self._network.tell(
                text.things.expand(count, -1, -1),
                text.relation.expand(count),
                to_camera(viewpoints).to(self._device),
                torch.full((count,), STYLES.index(style), device=self._device),
            )
            clean: Tensor = self._network(noisy, t, meant)
        return velocity_to(clean.float(), noisy, cosine(t))

    def _told(self, prompt: str) -> Told:
        if not prompt:
            things = torch.zeros((1, NUM_THINGS, len(COUNTS) - 1), dtype=torch.int64)
            relation = torch.zeros(1, dtype=torch.int64)
        else:
            things, relation = (torch.from_numpy(each) for each in numbers([read(prompt)[0]]))
        return Told(things.to(self._device), relation.to(self._device))


def to_camera(viewpoints: Viewpoints) -> Float[Tensor, "b 3"]:
    """The unit vector from the origin to the camera."""
    around, above = viewpoints.azimuth.float(), viewpoints.elevation.float()
    return torch.stack(
        [above.cos() * around.sin(), -above.cos() * around.cos(), above.sin()], dim=-1
    )


def open_embedded(device: torch.device, weights: Path = WEIGHTS) -> EmbeddedPrior:
    """The prior with the weights that come with Lightkiln, or with those of a training."""
    if not weights.is_file():
        raise InvalidPrompt(
            f"The built-in prior's weights are not at {weights}.",
            hint="Reinstall Lightkiln, or teach one with `lightkiln train prior FOLDER`.",
        )
    return EmbeddedPrior(taught_network(weights), device)


def taught_network(weights: Path = WEIGHTS) -> Network:
    """With the weights of a training."""
    network = new_network()
    network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return network


def new_network() -> Network:
    """Untaught."""
    return Network(COUNTS, NUM_THINGS, len(STYLES), MANIFEST.channels)
