# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of pipelines that can be a prior, and what is known of each by its papers.

It must not know torch, nor where a pipeline lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """By the class that `model_index.json` names."""

    STABLE_DIFFUSION = "StableDiffusionPipeline"
    STABLE_DIFFUSION_XL = "StableDiffusionXLPipeline"
    DEEPFLOYD_IF = "IFPipeline"
    MVDREAM = "MVDreamPipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of a family."""

    title: str
    encoders: tuple[str, ...] = ("text_encoder",)
    """Folders of its text encoders; each has a tokenizer of the same number."""
    pixels: bool = False
    """It works on pixels: there is no autoencoder."""
    guidance: float = 100.0
    """For score distillation."""
    suffix: str = ""
    """What every prompt ends with."""
    views: int = 1
    """Pictures that are denoised as one."""
    by_words: bool = True
    """It is told where the camera stands by words, and so knows it only roughly."""
    distance: tuple[float, float] = (2.5, 3.0)
    fov: tuple[float, float] = (0.7, 0.9)
    elevation: tuple[float, float] = (-0.17, 1.05)

    @property
    def tokenizers(self) -> tuple[str, ...]:
        """Their folders."""
        return tuple(encoder.replace("text_encoder", "tokenizer") for encoder in self.encoders)

    @property
    def networks(self) -> tuple[str, ...]:
        """Folders with weights."""
        return (*self.encoders, "unet", *(() if self.pixels else ("vae",)))


FACTS: dict[Family, Facts] = {
    Family.STABLE_DIFFUSION: Facts(title="Stable Diffusion"),
    Family.STABLE_DIFFUSION_XL: Facts(
        title="Stable Diffusion XL", encoders=("text_encoder", "text_encoder_2")
    ),
    Family.DEEPFLOYD_IF: Facts(title="DeepFloyd IF", pixels=True, guidance=20.0),
    Family.MVDREAM: Facts(
        title="MVDream",
        guidance=50.0,
        suffix=", 3d asset",
        views=4,
        by_words=False,
        distance=(2.0, 2.6),
        elevation=(0.0, 0.52),
    ),
}
"""Guidance as in the settings that are in use for each; 7.5 does for VSD and ISM."""
