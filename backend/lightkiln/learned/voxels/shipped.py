# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights that come with Lightkiln, or a person's own, as networks ready to draw.

It must not know what is drawn with them.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lightkiln.learned.weights import About, opened

from .gan import VoxelGan
from .network import VoxelAutoencoder

VAE, AUTOENCODER, GAN = "vae3d", "autoencoder3d", "gan3d"


def vae(path: str = "", device: str = "cpu") -> tuple[VoxelAutoencoder, About]:
    """The VAE of a file, "" the built-in one; raises `InvalidWeights`."""
    return opened(VoxelAutoencoder, VAE, path, built_in(VAE), torch.device(device))


def autoencoder(path: str = "", device: str = "cpu") -> tuple[VoxelAutoencoder, About]:
    """The same for the autoencoder."""
    return opened(VoxelAutoencoder, AUTOENCODER, path, built_in(AUTOENCODER), torch.device(device))


def gan(path: str = "", device: str = "cpu") -> tuple[VoxelGan, About]:
    """The same for the GAN."""
    return opened(VoxelGan, GAN, path, built_in(GAN), torch.device(device))


def built_in(method: str) -> Path:
    """The file that lies here."""
    return Path(__file__).with_name(f"{method}.safetensors")
