# SPDX-License-Identifier: GPL-3.0-or-later
"""What a taught network says of one photograph: logits and colours at any point, and how sure.

Points are in the frame in which the photograph's camera stands before the thing, which is upright.
It must not know meshes or methods' parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned import weights

from .occupancy_network import OccupancyNetwork
from .pifu import Pifu, Read
from .pifu_lesson import guessed_cameras
from .r2n2 import R2n2

OCCUPANCY, PIFU, R2N2 = "occupancy-network", "pifu", "r2n2"
NETWORKS: dict[str, type[nn.Module]] = {OCCUPANCY: OccupancyNetwork, PIFU: Pifu, R2N2: R2n2}
CHUNK = 1 << 15
"""Points asked at once: some hundred megabytes of a network's own."""
THRESHOLD = 0.4
"""Where weights do not tell theirs: a training that was broken off before it was judged."""


@runtime_checkable
class Answer(Protocol):
    """What can be asked of a photograph."""

    def logits(self, x: NDArray[Any]) -> NDArray[Any]:
        """Of being inside (n,), at points (n, 3)."""

    def colors(self, x: NDArray[Any]) -> NDArray[Any]:
        """sRGB in [0, 1] (n, 3), at points of the surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A network at work, and the threshold that was best on validation."""

    network: Any
    threshold: float


def opened(method: str, path: str, device: torch.device) -> Opened:
    """The network of a file, or the one that comes with Lightkiln; raises `UserError`."""
    network, about = weights.opened(NETWORKS[method], method, path, built_in(method), device)
    return Opened(network, float(about.figures.get("threshold", THRESHOLD)))


def built_in(method: str) -> Path:
    """The weights that come with Lightkiln."""
    return Path(__file__).with_name(f"{method.replace('-', '_')}.safetensors")


class OccupancyAnswer:
    """The code of one photograph, asked about points; its colour is the picture's mean."""

    def __init__(self, network: OccupancyNetwork, picture: Float[NDArray[Any], "4 64 64"]) -> None:
        self._network, self._device = network, next(network.parameters()).device
        with torch.no_grad(), short_numbers(self._device):
            self._code = network.encoder(torch.from_numpy(picture)[None].to(self._device))
        weight = max(float(picture[3].sum()), 1e-6)  # a picture of nothing has no colour
        self._color = picture[:3].sum(axis=(1, 2)) / weight

    def logits(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """Of being inside."""
        return _in_chunks(self._some, x, self._device)[:, 0]

    def colors(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """The same everywhere: the network knows no colours."""
        return np.broadcast_to(self._color, x.shape).astype(np.float32)

    def _some(self, x: Float[Tensor, "1 n 3"]) -> Float[Tensor, "n 1"]:
        logits: Tensor = self._network.decode(self._code, x)
        return logits[0, :, None]


class PifuAnswer:
    """The features of one photograph, or of up to four with cameras, asked about points."""

    def __init__(
        self,
        network: Pifu,
        pictures: Float[NDArray[Any], "views 4 64 64"],
        cameras: Float[NDArray[Any], "views 3 4"] | None = None,
    ) -> None:
        self._network, self._device = network, next(network.parameters()).device
        with torch.no_grad(), short_numbers(self._device):
            self._read: Read = network.read(torch.from_numpy(pictures)[None].to(self._device))
        known = guessed_cameras(self._read.guess) if cameras is None else cameras[None]
        self._cameras = torch.from_numpy(known.astype(np.float32)).to(self._device)

    def logits(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """Of being inside."""
        return _in_chunks(self._some, x, self._device)[:, 0]

    def colors(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """As the colour head reads them, on unseen sides too."""
        return _in_chunks(self._some, x, self._device)[:, 1:]

    def _some(self, x: Float[Tensor, "1 n 3"]) -> Float[Tensor, "n 4"]:
        logits, colors = self._network.ask(self._read, self._cameras, x)
        return torch.cat([logits[0, :, None], colors[0]], dim=1)


@torch.no_grad()
def _in_chunks(
    ask: Callable[[Tensor], Tensor], x: Float[NDArray[Any], "n 3"], device: torch.device
) -> Float[NDArray[Any], "n c"]:
    points = torch.from_numpy(np.ascontiguousarray(x, np.float32)).to(device)
    with short_numbers(device):
        found = [ask(some[None]).float().cpu().numpy() for some in torch.split(points, CHUNK)]
    return np.concatenate(found)
