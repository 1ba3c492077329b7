# SPDX-License-Identifier: GPL-3.0-or-later
"""How the recurrent network is taught: cross-entropy of every voxel, from one to five pictures.

As Choy et al. 2016, section 4, a step's things are all seen in as many pictures, and how many is
drawn anew for every step. Things keep their own frame, whatever side they are seen from; so
pictures are not mirrored. It must not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.world.shards import Things, unpacked

from . import augmented, scores
from .material import Draw, Material, drawn, every, material, pictures_of, windows_of
from .prepared import PIXELS
from .r2n2 import SIDE, R2n2

RATE = 2e-3
MOST_VIEWS = 5
LEAST_CHANCE = 1e-6
"""Of a voxel, where its cross-entropy is reckoned: a network that is sure and wrong once shall not
decide the mean."""
AT_ONCE = 15
"""Things judged together: 30 MB of the decoder's own each at the paper's size."""


class R2n2Lesson:
    """Teaches from a few pictures of each thing at a time."""

    batch_size = 16

    def __init__(
        self, taught: Things, validation: Things, size: Mapping[str, int] | None = None
    ) -> None:
        self._taught, self._validation = material(taught), material(validation)
        self._size = dict(size or {})
        self._pixels = self._size.get("pixels", PIXELS)
        self._views = min(MOST_VIEWS, self._taught.windows.shape[1])

    def network(self) -> nn.Module:
        """A new one."""
        return R2n2(**self._size)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """AdamW."""
        return adam(network, RATE)

    def batch(self, draw: Generator, count: int) -> Batch:
        """As many pictures of each of some things, and their voxels."""
        views = int(draw.integers(1, self._views + 1))
        chosen = unmirrored(drawn(self._taught, draw, count, views))
        windows = windows_of(self._taught, chosen)
        moved = augmented.jittered(windows.reshape(-1, 3), draw).reshape(windows.shape)
        pictures = pictures_of(self._taught, chosen, moved, self._pixels)
        flat = pictures.flatten(0, 1)
        flat = augmented.recolored(flat, augmented.gains(len(flat), draw), draw)
        return {
            "pictures": augmented.hidden(flat, draw).view_as(pictures),
            "filled": torch.from_numpy(voxels_of(self._taught, chosen)),
        }

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        """One step against the cross-entropy of the two classes."""
        with short_numbers(pupil.device):
            logits = pupil.network(batch["pictures"])
        loss = functional.cross_entropy(logits.float(), batch["filled"].long())
        pupil.learn(loss)
        return {"loss": float(loss.detach())}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """IoU and errors of chances by the number of pictures; the threshold is that of one."""
        figures: Figures = {}
        for views in range(1, self._views + 1):
            chance, truth = chances(network, self._validation, views, self._pixels)
            flat, solid = chance.reshape(len(chance), -1), truth.reshape(len(truth), -1)
            threshold, iou = scores.scored(flat, solid, told or figures)
            name = "iou" if views == 1 else f"iou_{views}"
            figures |= {"threshold": threshold} if views == 1 else {}
            figures |= {name: iou, f"cross_entropy_{views}": cross_entropy(chance, truth)}
            figures |= {f"mae_{views}": float(np.abs(chance - truth).mean())}
            figures |= {f"rmse_{views}": float(np.sqrt(((chance - truth) ** 2).mean()))}
        return {"iou": figures.pop("iou"), **figures}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """None: shapes are looked at as meshes."""
        return {}


def unmirrored(chosen: Draw) -> Draw:
    """The same things and pictures, all as they are."""
    return Draw(chosen.thing, chosen.view, np.zeros_like(chosen.mirrored))


def voxels_of(seen: Material, chosen: Draw) -> Bool[NDArray[Any], "n side side side"]:
    """The drawn things' own."""
    return np.asarray(unpacked(seen.things.voxels32[chosen.thing], SIDE))


def chances(
    network: nn.Module, seen: Material, views: int, pixels: int = PIXELS
) -> tuple[Float[NDArray[Any], "n side side side"], Bool[NDArray[Any], "n side side side"]]:
    """What is answered to the first pictures of every thing, and what is true."""
    device = next(network.parameters()).device
    chosen = every(seen, views)
    pictures = pictures_of(seen, chosen, windows_of(seen, chosen), pixels)
    found = [filled(network, some.to(device)) for some in torch.split(pictures, AT_ONCE)]
    return np.concatenate(found), voxels_of(seen, chosen)


def filled(
    network: nn.Module, pictures: Float[Tensor, "n views 4 H H"]
) -> Float[NDArray[Any], "n side side side"]:
    """The chance of every voxel to be filled."""
    return np.asarray(expit(said(network, pictures)))


@torch.no_grad()
def said(
    network: nn.Module, pictures: Float[Tensor, "n views 4 H H"]
) -> Float[NDArray[Any], "n side side side"]:
    """The logit of that chance: of two classes' softmax it is their logits' difference."""
    with short_numbers(pictures.device):
        empty, full = network(pictures).float().unbind(1)
    return np.asarray((full - empty).cpu().numpy())


def cross_entropy(
    chance: Float[NDArray[Any], "n ..."], truth: Bool[NDArray[Any], "n ..."]
) -> float:
    """The mean over voxels, in nats."""
    right = np.where(truth, chance, 1.0 - chance)
    return float(-np.log(np.maximum(right, LEAST_CHANCE)).mean())
