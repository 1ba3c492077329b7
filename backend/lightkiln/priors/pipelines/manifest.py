# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline's folder says of it as a prior, without a network being loaded.

It must not know torch.
"""

from __future__ import annotations

from lightkiln_shared.errors import InvalidPrompt

from lightkiln.priors.manifest import Manifest, Predicts, Style

from .folder import ModelFolder
from .licence import licence_of

SHAKEN = 0.1
"""Radii; as threestudio does."""
PREDICTS = {"epsilon": Predicts.NOISE, "v_prediction": Predicts.VELOCITY}


def manifest_of(folder: ModelFolder, name: str) -> Manifest:
    """`name` is what the person called it; raises `InvalidPrompt`."""
    facts = folder.facts
    said = folder.config("scheduler").get("prediction_type", "epsilon")
    if said not in PREDICTS:
        raise InvalidPrompt(
            f"{folder.path} predicts {said}, which cannot be a prior.",
            hint="Models that predict noise (epsilon) or velocity (v_prediction) can.",
        )
    return Manifest(
        name=name,
        title=facts.title,
        licence=licence_of(folder.path),
        predicts=PREDICTS[str(said)],
        size=_size(folder),
        channels=3,
        guidance=facts.guidance,
        styles=tuple(Style),
        views=facts.views,
        shaken=SHAKEN if facts.by_words else 0.0,
        distance=facts.distance,
        fov=facts.fov,
        elevation=facts.elevation,
    )


def _size(folder: ModelFolder) -> int:
    """Pixels of a side: the network's, by what the autoencoder shrinks."""
    unet = folder.config("unet")
    side = int(unet.get("sample_size") or unet["image_size"])
    halved = 0 if folder.facts.pixels else len(folder.config("vae")["block_out_channels"]) - 1
    return side << halved
