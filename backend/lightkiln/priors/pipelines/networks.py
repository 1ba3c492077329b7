# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline's networks and noise schedule, from its folder into memory.

Each is loaded by its own class of diffusers, as tensors only. It must not know prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from jaxtyping import Float
from lightkiln_shared.errors import ResourceError
from torch import Tensor

from lightkiln.priors.schedule import LEAST

from . import multiview
from .family import Family
from .folder import ModelFolder
from .thrift import END, HINT

for library in (diffusers, transformers):
    library.utils.logging.set_verbosity_error()  # what people are told, this project says
    library.utils.logging.disable_progress_bar()


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """In memory."""

    unet: Any
    vae: Any | None
    """None where the family works on pixels."""
    abars: Float[Tensor, " levels"]


def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it; float16 would overflow in autoencoders."""
    cuda = device.type == "cuda"
    if cuda and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def loaded(folder: ModelFolder, device: torch.device, dtype: torch.dtype) -> Networks:
    """All but the text encoders; raises `ResourceError` where they do not fit."""
    if folder.family is Family.MVDREAM:
        unet: Any = multiview.loaded(folder).to(dtype)
    else:
        unet = _network(UNet2DConditionModel, folder, "unet", dtype)
    vae = None if folder.facts.pixels else _network(AutoencoderKL, folder, "vae", dtype)
    scheduler: Any = DDPMScheduler.from_pretrained(
        folder.path.joinpath("scheduler"), local_files_only=True
    )
    try:
        for network in filter(None, (unet, vae)):
            network.to(device).eval().requires_grad_(False)
    except torch.OutOfMemoryError as error:
        raise ResourceError(END, hint=HINT) from error
    abars = scheduler.alphas_cumprod.float().clamp(min=LEAST, max=1.0 - LEAST)
    return Networks(unet, vae, abars.to(device))


def _network(kind: Any, folder: ModelFolder, part: str, dtype: torch.dtype) -> Any:
    return kind.from_pretrained(
        folder.path.joinpath(part),
        variant=folder.variants[part],
        torch_dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
    )
