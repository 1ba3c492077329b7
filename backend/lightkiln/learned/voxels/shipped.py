# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights that come with Lightkiln, or a person's own, as networks ready to draw.

It must not know what is drawn with them.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lightkiln.learned import weights

from .gan import VoxelGan
from .network import VoxelAutoencoder

VAE, AUTOENCODER, GAN = "vae3d", "autoencoder3d", "gan3d"


def vae(path: str = "", device: str = "cpu") -> VoxelAutoencoder:
    """The VAE of a file, "" the built-in one; raises `InvalidWeights`."""
    return _autoencoder(VAE, path, device)


def autoencoder(path: str = "", device: str = "cpu") -> VoxelAutoencoder:
    """The same for the autoencoder."""
    return _autoencoder(AUTOENCODER, path, device)


def gan(path: str = "", device: str = "cpu") -> VoxelGan:
    """The same for the GAN."""
    file = file_of(GAN, path)
    network = VoxelGan(**weights.about(file, GAN).size)
    weights.load_into(network, file, torch.device(device))
    return network


def file_of(method: str, path: str = "") -> Path:
    """A person's own file, or the one that lies here."""
    return Path(path).expanduser() if path else Path(__file__).with_name(f"{method}.safetensors")


def _autoencoder(method: str, path: str, device: str) -> VoxelAutoencoder:
    file = file_of(method, path)
    network = VoxelAutoencoder(**weights.about(file, method).size)
    weights.load_into(network, file, torch.device(device))
    return network
