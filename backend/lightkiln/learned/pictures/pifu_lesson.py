# SPDX-License-Identifier: GPL-3.0-or-later
"""How PIFu is taught: inside or not, colours on the surface, and where the camera stood.

Saito et al. 2019 take squared errors of the occupancy; here it is cross-entropy. Colours: L1, at
points moved off the surface (their eq. 5). A step looks at one, two or four pictures of each thing.
It must not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

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
from .frames import guessed_projection
from .material import (
    Draw,
    Material,
    cameras_of,
    drawn,
    every,
    guesses_of,
    material,
    pictures_of,
    places_of,
    surface_of,
    windows_of,
)
from .pifu import Pifu

RATE = 1.5e-3
POINTS, COLORED = 512, 96
OFF = 0.03
"""Standard deviation of colours' points off the surface, in the cube's units."""
COLOR_WEIGHT, GUESS_WEIGHT = 0.5, 2.0
VIEWS = (1, 1, 1, 1, 2, 4)
"""How many pictures of a thing a step looks at; one is what most people have."""
JUDGED_AT = 1024


class PifuLesson:
    """Teaches from one to four pictures of each thing at a time."""

    batch_size = 16
    """Pictures of a step, whatever of how many things."""

    def __init__(
        self, taught: Things, validation: Things, size: Mapping[str, int] | None = None
    ) -> None:
        self._taught, self._validation = material(taught), material(validation)
        self._size = dict(size or {})

    def network(self) -> nn.Module:
        """A new one."""
        return Pifu(**self._size)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """AdamW."""
        return adam(network, RATE)

    def batch(self, draw: Generator, count: int) -> Batch:
        """Pictures and their cameras; points inside and out, points with colours."""
        views = min(int(draw.choice(VIEWS)), self._taught.windows.shape[1])
        chosen = drawn(self._taught, draw, max(1, count // views), views)
        windows = windows_of(self._taught, chosen)
        windows = augmented.jittered(windows.reshape(-1, 3), draw).reshape(windows.shape)
        pictures = pictures_of(self._taught, chosen, windows)
        gain = augmented.gains(len(chosen.thing), draw)
        x, inside = places_of(self._taught, chosen, draw, POINTS)
        on, colors = surface_of(self._taught, chosen, draw, COLORED)
        on = on + (OFF * draw.standard_normal(on.shape)).astype(np.float32)
        arrays = {
            "cameras": cameras_of(self._taught, chosen, windows),
            "guess": guesses_of(self._taught, chosen, windows),
            "x": np.concatenate([x, on], axis=1),
            "inside": inside,
            "colors": np.clip(colors * gain[:, None], 0.0, 1.0),
        }
        seen = augmented.recolored(pictures.flatten(0, 1), gain.repeat(views, axis=0), draw)
        seen = augmented.hidden(seen, draw).view_as(pictures)
        return {"pictures": seen, **{k: torch.from_numpy(v) for k, v in arrays.items()}}

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        """One step against the sum of the three losses."""
        network = cast("Pifu", pupil.network)
        with short_numbers(pupil.device):
            read = network.read(batch["pictures"])
            logits, colors = network.ask(read, batch["cameras"], batch["x"])
        count = batch["inside"].shape[1]
        shape = functional.binary_cross_entropy_with_logits(logits[:, :count], batch["inside"])
        color = functional.l1_loss(colors[:, count:], batch["colors"])
        guess = functional.mse_loss(read.guess, batch["guess"])
        loss = shape + COLOR_WEIGHT * color + GUESS_WEIGHT * guess
        pupil.learn(loss)
        parts = {"loss": loss, "shape": shape, "color": color, "guess": guess}
        return {name: float(value.detach()) for name, value in parts.items()}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """IoU of one picture with its camera, and the threshold at which it is; IoU with the camera
        guessed, as of any photograph; IoU of four pictures of some things."""
        seen, pifu = self._validation, cast("Pifu", network)
        one, more = every(seen), every(seen, min(4, seen.windows.shape[1]))
        some = Draw(*(values[::3] for values in (more.thing, more.view, more.mirrored)))
        known, alone = asked(pifu, seen), asked(pifu, seen, guessed=True)
        threshold, iou = scores.scored(*scores.chances(seen, one, known, JUDGED_AT), told)
        chosen = {"threshold": threshold}
        _, of_guess = scores.scored(*scores.chances(seen, one, alone, JUDGED_AT), chosen)
        _, of_more = scores.scored(*scores.chances(seen, some, known, JUDGED_AT), chosen)
        return {"iou": iou, "threshold": threshold, "iou_guessed": of_guess, "iou_views": of_more}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """None: shapes are looked at as meshes."""
        return {}


def asked(network: Pifu, seen: Material, guessed: bool = False) -> scores.Asked:
    """The network as `scores` asks it; with true cameras, or one picture's as it is guessed."""
    device = next(network.parameters()).device

    @torch.no_grad()
    def answer(one: Draw, x: NDArray[Any]) -> NDArray[Any]:
        windows = windows_of(seen, one)
        with short_numbers(device):
            read = network.read(pictures_of(seen, one, windows).to(device))
        cameras = guessed_cameras(read.guess) if guessed else cameras_of(seen, one, windows)
        return chances_of(network, read, torch.from_numpy(cameras).to(device), x)

    return answer


def guessed_cameras(guess: Float[Tensor, "n 1 4"]) -> Float[NDArray[Any], "n 1 3 4"]:
    """Projections of lone pictures."""
    each = guess[:, 0].double().cpu().numpy()
    return np.stack([guessed_projection(one) for one in each])[:, None].astype(np.float32)


@torch.no_grad()
def chances_of(
    network: Pifu,
    read: Any,
    cameras: Float[Tensor, "n views 3 4"],
    x: Float[NDArray[Any], "n points 3"],
) -> Float[NDArray[Any], "n points"]:
    """Chances of being inside."""
    points = torch.from_numpy(np.ascontiguousarray(x, np.float32)).to(cameras.device)
    with short_numbers(cameras.device):
        logits, _ = network.ask(read, cameras, points)
    return np.asarray(torch.sigmoid(logits).cpu().numpy())
