# SPDX-License-Identifier: GPL-3.0-or-later
"""How the occupancy network is taught: cross-entropy at points drawn for every thing.

Mescheder et al. 2019, eq. 3, sum the loss over a thing's points; here it is their mean, so that
the rate does not depend on how many there are. Half of them lie about the surface (`samples`).
It must not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.world.shards import Things

from . import augmented, scores
from .material import Draw, Material, drawn, every, material, pictures_of, places_of, windows_of
from .occupancy_network import OccupancyNetwork

RATE = 1e-3
POINTS = 384
JUDGED_AT = 1024
"""Of a thing's 32³ middles, between steps: enough to compare by."""


class OccupancyLesson:
    """Teaches from one picture of each thing at a time."""

    batch_size = 24

    def __init__(
        self, taught: Things, validation: Things, size: Mapping[str, int] | None = None
    ) -> None:
        self._taught, self._validation = material(taught), material(validation)
        self._size = dict(size or {})

    def network(self) -> nn.Module:
        """A new one."""
        return OccupancyNetwork(**self._size)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """AdamW."""
        return adam(network, RATE)

    def batch(self, draw: Generator, count: int) -> Batch:
        """A picture of each of some things, and points of theirs."""
        chosen = drawn(self._taught, draw, count)
        windows = augmented.jittered(windows_of(self._taught, chosen)[:, 0], draw)
        pictures = pictures_of(self._taught, chosen, windows[:, None])[:, 0]
        pictures = augmented.recolored(pictures, augmented.gains(count, draw), draw)
        x, inside = places_of(self._taught, chosen, draw, POINTS)
        return {
            "pictures": augmented.hidden(pictures, draw),
            "x": torch.from_numpy(x),
            "inside": torch.from_numpy(inside),
        }

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        """One step against the cross-entropy."""
        with short_numbers(pupil.device):
            logits = pupil.network(batch["pictures"], batch["x"])
        loss = functional.binary_cross_entropy_with_logits(logits, batch["inside"])
        pupil.learn(loss)
        return {"loss": float(loss.detach())}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """IoU, and the threshold at which it is."""
        chance, truth = scores.chances(
            self._validation,
            every(self._validation),
            asked(network, self._validation),
            JUDGED_AT,
        )
        threshold, iou = scores.scored(chance, truth, told)
        return {"iou": iou, "threshold": threshold}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """None: shapes are looked at as meshes."""
        return {}


def asked(network: nn.Module, seen: Material) -> scores.Asked:
    """The network as `scores` asks it: by each thing's first drawn picture."""
    device = next(network.parameters()).device

    def answer(one: Draw, x: NDArray[Any]) -> NDArray[Any]:
        pictures = pictures_of(seen, one, windows_of(seen, one))[:, 0]
        return chances_of(network, pictures.to(device), torch.from_numpy(x).to(device))

    return answer


@torch.no_grad()
def chances_of(
    network: nn.Module, pictures: Float[Tensor, "n 4 H H"], x: Float[Tensor, "n points 3"]
) -> Float[NDArray[Any], "n points"]:
    """Chances of being inside."""
    with short_numbers(pictures.device):
        logits = network(pictures, x)
    return np.asarray(torch.sigmoid(logits.float()).cpu().numpy())
