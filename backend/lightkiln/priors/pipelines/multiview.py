# SPDX-License-Identifier: GPL-3.0-or-later
"""MVDream's network (Shi et al. 2023, arXiv:2308.16512) in the terms of diffusers.

It is Stable Diffusion 2.1 but for two things: each picture is told its camera, 16 numbers that are
added to the noise level's embedding; and attention within a picture goes over four of them.
Its folders name weights as the original did, which no class of diffusers reads as they are; they
are renamed here, and none of the code that may lie beside them is run. It must not know prompts.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from diffusers.models.attention_processor import AttnProcessor2_0
from jaxtyping import Float
from lightkiln_shared.errors import InvalidPrompt
from safetensors.torch import load_file
from torch import Tensor

from lightkiln.priors.prior import Viewpoints

from .folder import ModelFolder
from .weights import AGAIN, HALF, SAFE

VIEWS = 4
PREFIX = "model.diffusion_model."
"""What the renaming expects before each name."""
CAMERA = ("camera_embed.", "label_emb.0.")
"""It takes the place of a class."""


class Together:
    """Attention over `VIEWS` pictures in a row as if they were one."""

    def __init__(self) -> None:
        self._each = AttnProcessor2_0()

    def __call__(self, attention: Any, hidden_states: Tensor, **told: Any) -> Tensor:
        b, pixels, width = hidden_states.shape
        joined = hidden_states.reshape(b // VIEWS, VIEWS * pixels, width)
        found: Tensor = self._each(attention, joined, **told)
        return found.reshape(b, pixels, width)


def cameras(viewpoints: Viewpoints) -> Float[Tensor, "b 16"]:
    """world_from_camera, row by row: axes right, up, backwards; from a distance of 1."""
    p, e = viewpoints.azimuth, viewpoints.elevation
    backwards = torch.stack([p.sin() * e.cos(), -p.cos() * e.cos(), e.sin()], dim=-1)
    right = torch.stack([p.cos(), p.sin(), torch.zeros_like(p)], dim=-1)
    up = torch.linalg.cross(backwards, right)
    placed = torch.stack([right, up, backwards, backwards], dim=-1)
    last = placed.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(p), 1, 4)
    return torch.cat([placed, last], dim=1).reshape(-1, 16)


def loaded(folder: ModelFolder) -> UNet2DConditionModel:
    """The network; raises `InvalidPrompt` if the weights are not those of its `config.json`."""
    network = UNet2DConditionModel(**translated(folder.config("unet")))
    half = f".{HALF}" if folder.variants["unet"] == HALF else ""
    named = load_file(folder.path.joinpath("unet", f"diffusion_pytorch_model{half}{SAFE}"))
    try:
        network.load_state_dict(renamed(named, dict(network.config)))
    except (RuntimeError, KeyError) as error:
        raise InvalidPrompt(
            f"{folder.path} has other weights than its config says.", hint=AGAIN
        ) from error
    network.set_attn_processor(
        {
            name: Together() if ".attn1." in name else AttnProcessor2_0()
            for name in network.attn_processors
        }
    )
    return network


def translated(config: dict[str, Any]) -> dict[str, Any]:
    """What diffusers calls what the original's `config.json` says."""
    widths = [config["model_channels"] * mult for mult in config["channel_mult"]]
    attends = [2**level in config["attention_resolutions"] for level in range(len(widths))]
    down = ["CrossAttnDownBlock2D" if each else "DownBlock2D" for each in attends]
    up = ["CrossAttnUpBlock2D" if each else "UpBlock2D" for each in reversed(attends)]
    return {
        "sample_size": config["image_size"],
        "in_channels": config["in_channels"],
        "out_channels": config["out_channels"],
        "block_out_channels": widths,
        "layers_per_block": config["num_res_blocks"],
        "down_block_types": down,
        "up_block_types": up,
        "cross_attention_dim": config["context_dim"],
        # The number of heads, in spite of its name.
        "attention_head_dim": [width // config["num_head_channels"] for width in widths],
        "use_linear_projection": True,
        "class_embed_type": "projection",
        "projection_class_embeddings_input_dim": config["camera_dim"],
    }


def renamed(named: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """The original's weights under the names of diffusers."""
    prefixed = {PREFIX + name.replace(*CAMERA): value for name, value in named.items()}
    return dict(convert_ldm_unet_checkpoint(prefixed, config))
