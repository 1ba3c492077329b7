# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts as text encoders understand them.

An encoder is loaded, asked and let go, one after another, since the largest is larger than all
else. It must not know viewpoints or networks of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5EncoderModel,
    T5Tokenizer,
)

from .family import Family
from .folder import ModelFolder

LONGEST = 77
"""Tokens that the families' encoders were taught with."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What a text means to a network, once or for each picture."""

    states: Float[Tensor, "b tokens width"]
    pooled: Float[Tensor, "b width2"] | None
    """Of the whole text; only some families have it."""

    def on(self, device: torch.device) -> Embedding:
        """The same there."""
        pooled = None if self.pooled is None else self.pooled.to(device)
        return Embedding(self.states.to(device), pooled)


def encoded(
    folder: ModelFolder, texts: Sequence[str], device: torch.device, dtype: torch.dtype
) -> list[Embedding]:
    """Of each text; what is longer than an encoder reads is left out."""
    if folder.family is Family.DEEPFLOYD_IF:
        texts = [text.lower().strip() for text in texts]  # as its captions were
    states, pooled = [], None
    for encoder, tokenizer in zip(folder.facts.encoders, folder.facts.tokenizers, strict=True):
        tokens = _tokenizer(folder, tokenizer)(
            list(texts), padding="max_length", max_length=LONGEST, truncation=True,
            return_tensors="pt",
        ).to(device)  # fmt: skip
        network = _encoder(folder, encoder, dtype).to(device)
        with torch.no_grad():
            seen, pooled = _asked(folder.family, network, tokens)
        states.append(seen)
    joined = torch.cat(states, dim=-1)
    return [
        Embedding(joined[i : i + 1], None if pooled is None else pooled[i : i + 1])
        for i in range(len(texts))
    ]


def fitting(folder: ModelFolder, prompt: str, ending: str) -> tuple[str, tuple[str, ...]]:
    """The words that an encoder reads so that the ending is read too, and those left out."""
    tokenizer = _tokenizer(folder, folder.facts.tokenizers[0])
    words = prompt.split()
    kept = len(words)
    while kept and len(tokenizer(" ".join(words[:kept]) + ending).input_ids) > LONGEST:
        kept -= 1
    return " ".join(words[:kept]), tuple(words[kept:])


def _asked(family: Family, network: Any, tokens: Any) -> tuple[Tensor, Tensor | None]:
    """States and the whole's, as the family's networks were taught with them."""
    if family is Family.DEEPFLOYD_IF:
        return network(tokens.input_ids, attention_mask=tokens.attention_mask)[0], None
    if family is Family.STABLE_DIFFUSION_XL:  # of the last layer but one
        found = network(tokens.input_ids, output_hidden_states=True)
        return found.hidden_states[-2], getattr(found, "text_embeds", None)
    return network(tokens.input_ids)[0], None


def _tokenizer(folder: ModelFolder, part: str) -> Any:
    kind = T5Tokenizer if folder.family is Family.DEEPFLOYD_IF else CLIPTokenizer
    return kind.from_pretrained(folder.path.joinpath(part), local_files_only=True)


def _encoder(folder: ModelFolder, part: str, dtype: torch.dtype) -> Any:
    kind: Any = CLIPTextModel
    if folder.family is Family.DEEPFLOYD_IF:
        kind = T5EncoderModel
    elif part == "text_encoder_2":
        kind = CLIPTextModelWithProjection
    return kind.from_pretrained(
        folder.path.joinpath(part),
        variant=folder.variants[part],
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
    ).eval()
