# SPDX-License-Identifier: GPL-3.0-or-later
"""The prior over a pipeline of diffusers: in pixels or latents, with words or cameras for views.

t in [0, 1] is the nearest of the levels that the network was taught. It must not know how a
pipeline is found or what its answers are used for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import torch
from jaxtyping import Float
from lightkiln_shared.errors import ResourceError
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from lightkiln.priors.prior import Manifest, Style, Viewpoints, Words

from . import multiview, networks, texts, view_words
from .family import Family
from .folder import ModelFolder
from .manifest import manifest_of
from .texts import Embedding
from .thrift import Thrift, or_on_the_processor
from .view_words import Sides, seen_from


class PipelinePrior:
    """Its networks are loaded when pictures are first asked about, after the words are known."""

    def __init__(
        self, folder: ModelFolder, name: str, device: torch.device, tell: Callable[[str], None]
    ) -> None:
        """`tell` hears, in a sentence, when there is too little memory to do all at once."""
        self._folder, self._device, self._tell = folder, device, tell
        self._manifest = manifest_of(folder, name)
        self._dtype = networks.precision(device)
        self._thrift = Thrift(folder.facts.views, tell, self._in_pieces)

    @property
    def manifest(self) -> Manifest:
        """What is known of it without its networks."""
        return self._manifest

    def words(self, prompt: str, negative: str) -> Words:
        """Understand a prompt; what is too long for the encoder is unknown to it."""
        facts = self._folder.facts
        endings = view_words.ENDINGS if facts.by_words else (facts.suffix,)
        kept, unknown = texts.fitting(self._folder, prompt, max(endings, key=len))
        asked = [*(kept + ending for ending in endings), negative]
        *sides, nothing = or_on_the_processor(
            partial(self._encoded, asked), self._device, self._tell
        )
        return Words(
            prompt=Sides(tuple(sides)) if facts.by_words else sides[0],
            nothing=nothing if negative else self._blank(nothing),
            understood=kept,
            unknown=unknown,
        )

    def abar(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Of the pipeline's own schedule."""
        return self._networks.abars[self._level(t)].to(t.dtype)

    def encode(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        """The mean of the latents, scaled; or pixels in [-1, 1]."""
        centred = 2.0 * pictures - 1.0
        if self._networks.vae is None:
            return centred

        def part(chosen: slice) -> Tensor:
            if self._thrift.takes_turns:  # and computes each again on the way back
                later: Tensor = checkpoint(self._latents, centred[chosen], use_reentrant=False)
                return later
            return self._latents(centred[chosen])

        return self._thrift.done(part, len(pictures)).to(pictures.dtype)

    def decode(self, latents: Float[Tensor, "b d i j"]) -> Float[Tensor, "b c h w"]:
        """And back."""
        vae = self._networks.vae
        if vae is None:
            return 0.5 * latents + 0.5
        plain = (latents / vae.config.scaling_factor).to(self._dtype)
        seen = self._thrift.done(lambda chosen: vae.decode(plain[chosen]).sample, len(latents))
        return 0.5 * seen.to(latents.dtype) + 0.5

    def predict(
        self,
        noisy: Float[Tensor, "b d i j"],
        t: Float[Tensor, " b"],
        text: Sides | Embedding,
        viewpoints: Viewpoints,
        style: Style,
    ) -> Float[Tensor, "b d i j"]:
        """Style is not told: these priors were shown photographs of everything."""
        seen = seen_from(text, viewpoints)
        told, level = self._told(seen, viewpoints), self._level(t)

        def part(chosen: slice) -> Tensor:
            also = {name: _part(value, chosen) for name, value in told.items()}
            found: Tensor = self._networks.unet(
                noisy[chosen].to(self._dtype), level[chosen], seen.states[chosen], **also
            ).sample
            # Some families say a variance too, in as many channels again.
            return found[:, : noisy.shape[1]].to(noisy.dtype)

        with torch.no_grad():
            answer = self._thrift.done(part, len(noisy))
        if noisy.isfinite().all() and not answer.isfinite().all():
            raise ResourceError(
                f"{self._manifest.title} answered with what is no number.",
                hint="Its weights may be damaged: download them again.",
            )
        return answer

    def sides(self, text: Sides | Embedding) -> tuple[Any, Any]:
        """The front and the side, from wherever one looks."""
        if isinstance(text, Embedding):
            return text, text
        return text.embeddings[0], text.embeddings[1]

    def _encoded(self, asked: list[str], device: torch.device) -> list[Embedding]:
        found = texts.encoded(self._folder, asked, device, self._dtype)
        return [each.on(self._device) for each in found]

    @cached_property
    def _networks(self) -> networks.Networks:
        return networks.loaded(self._folder, self._device, self._dtype)

    def _blank(self, nothing: Embedding) -> Embedding:
        """The family that was taught without a prompt by zeros gets them."""
        if self._folder.family is not Family.STABLE_DIFFUSION_XL or nothing.pooled is None:
            return nothing
        return Embedding(torch.zeros_like(nothing.states), torch.zeros_like(nothing.pooled))

    def _level(self, t: Tensor) -> Tensor:
        return (t * (len(self._networks.abars) - 1)).round().long()

    def _told(self, seen: Embedding, viewpoints: Viewpoints) -> dict[str, Any]:
        """What networks want to know beside the text."""
        if self._folder.family is Family.MVDREAM:
            return {"class_labels": multiview.cameras(viewpoints).to(seen.states)}
        if self._folder.family is not Family.STABLE_DIFFUSION_XL or seen.pooled is None:
            return {}
        side = float(self._manifest.size)  # taken whole: nothing cropped, nothing scaled
        whole = seen.states.new_tensor([side, side, 0.0, 0.0, side, side])
        ids = whole.expand(len(seen.states), -1)
        return {"added_cond_kwargs": {"text_embeds": seen.pooled, "time_ids": ids}}

    def _latents(self, centred: Tensor) -> Tensor:
        vae = self._networks.vae
        assert vae is not None  # families of pixels do not come here
        mean: Tensor = vae.encode(centred.to(self._dtype)).latent_dist.mode()
        return mean * float(vae.config.scaling_factor)

    def _in_pieces(self) -> None:
        if self._folder.family is not Family.MVDREAM:  # whose attention is of its own kind
            self._networks.unet.set_attention_slice("max")
        if self._networks.vae is not None:
            self._networks.vae.enable_tiling()


def _part(value: Any, chosen: slice) -> Any:
    """Of what is told, for some of the pictures."""
    if isinstance(value, dict):
        return {name: each[chosen] for name, each in value.items()}
    return value[chosen]
