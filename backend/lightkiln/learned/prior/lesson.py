# SPDX-License-Identifier: GPL-3.0-or-later
"""Teaches the built-in prior: `lightkiln train prior`.

    L = E w(t) |x(z_t, t, c) - x|² + |sketch(c) - x|²
    t² ~ U(0, 1),   z_t = a x + s e,   w = min(1 / s², 1 / S²)

The network answers with the clean picture, which is simple, and not with the noise, which would not
pass through layers as narrow as a patch is deep (Li and He 2025, arXiv:2511.13720); 1 / s² makes
that the loss in v (Salimans and Ho 2022, arXiv:2202.00512), and S bounds it where s vanishes. Noisy
pictures are drawn more often than others: of those the words decide.
Words are left out of every tenth picture, so that the network knows what "nothing said" looks like
(Ho and Salimans 2022, arXiv:2207.12598); viewpoint and style are always told. Pictures are drawn in
a process of their own: rasterising them would hold the learning up. It must not know files.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.weights import About
from lightkiln.learned.world.plan import Split
from lightkiln.ops.chance import generator_of
from lightkiln.priors.embedded.network import Network
from lightkiln.priors.embedded.pictures import Shown, drawn, unseen_sentence
from lightkiln.priors.embedded.prior import new_network
from lightkiln.priors.schedule import cosine, noisy

METHOD = "prior"
WORLD = "simple things, their colours, patterns and relations, from all sides"
SILENT_SHARE = 0.1
"""Of the pictures, those of which nothing is said."""
LEAST_POWER = 0.1
"""S²: pictures of less noise than this count no more than those."""
RATE, DECAY = 1e-3, 1e-3
SEEDS = 2**31
INSTANTS = (1.0, 0.8, 0.5)
"""t at which it is judged: nothing but noise; mostly noise; half."""
JUDGED = {Split.VALIDATION: ((77, 3), 32), Split.TEST: ((77, 2), 192)}
"""Seeds and counts of pictures of combinations that are never shown."""
AT_ONCE = 32


class PriorLesson:
    """Satisfies `lesson.Lesson`."""

    batch_size = 32

    def __init__(self, split: Split = Split.VALIDATION) -> None:
        self._split = split

    def network(self) -> nn.Module:
        return new_network()

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        return adam(network, RATE, DECAY)

    def batch(self, draw: Generator, count: int) -> Batch:
        """Pictures and what is said of them, noise, and how much of it."""
        shown = self._ahead.submit(drawn, (int(draw.integers(SEEDS)),), count).result()
        chance = generator_of(int(draw.integers(SEEDS)))
        clean = signed(shown.pictures)
        silent = torch.rand(len(clean), generator=chance) < SILENT_SHARE
        return {
            "clean": clean,
            "noise": torch.randn(clean.shape, generator=chance),
            "t": torch.rand(len(clean), generator=chance).sqrt(),
            "things": torch.from_numpy(shown.things).masked_fill(silent[:, None, None], 0),
            "relation": torch.from_numpy(shown.relation).masked_fill(silent, 0),
            "camera": torch.from_numpy(shown.camera),
            "style": torch.from_numpy(shown.style),
        }

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        loss = loss_of(cast("Network", pupil.network), batch, pupil.device)
        pupil.learn(loss)
        return {"loss": float(loss.detach())}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """PSNR at pure noise, dB, and mean squares, of combinations that were never shown."""
        seed, count = JUDGED[self._split]
        shown = drawn(seed, count, sentences_by=unseen_sentence)
        found = [missed_at(t, cast("Network", network), shown) for t in INSTANTS]
        psnr = 10.0 * float(np.log10(4.0 / found[0]))  # from -1 to 1: the peak's square is 4
        names = [f"missed_{t:g}" for t in INSTANTS]
        return {"psnr": psnr, **dict(zip(names, found, strict=True))}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """None: `lightkiln text --candidates` draws what it has learned."""
        return {}

    @cached_property
    def _ahead(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        weakref.finalize(self, pool.shutdown)
        return pool


def prior(
    _dataset: Path | None, split: Split, _size: Mapping[str, int]
) -> tuple[PriorLesson, About]:
    """Judged on pictures of a split, all of combinations that are never shown."""
    return PriorLesson(split), About(method=METHOD, world=WORLD)


def loss_of(network: Network, batch: Batch, device: torch.device) -> Tensor:
    """L, of one draw of pictures, noise and t."""
    clean, t = batch["clean"], batch["t"]
    abar = cosine(t)
    with short_numbers(device):
        meant = network.tell(*(batch[name] for name in ("things", "relation", "camera", "style")))
        said = network(noisy(clean, batch["noise"], abar), t, meant)
    weight = (1.0 - abar).clamp(min=LEAST_POWER).reciprocal()
    loss: Tensor = (weight * missed(said, clean)).mean() + missed(meant.sketch, clean).mean()
    return loss


@torch.no_grad()
def missed_at(t: float, network: Network, shown: Shown) -> float:
    """The mean square between an answer and the picture, at one level of noise."""
    clean, told = signed(shown.pictures), (shown.things, shown.relation, shown.camera, shown.style)
    draw, squares = torch.Generator().manual_seed(0), []
    for start in range(0, len(clean), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        meant = network.tell(*(torch.from_numpy(each[part]) for each in told))
        instants = torch.full((len(clean[part]),), t)
        noise = torch.randn(clean[part].shape, generator=draw)
        said = network(noisy(clean[part], noise, cosine(instants)), instants, meant)
        squares += missed(said, clean[part]).tolist()
    return float(np.mean(squares))


def missed(said: Float[Tensor, "n c h w"], clean: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The mean square of each picture."""
    return (said.float() - clean).square().mean(dim=(1, 2, 3))


def signed(pictures: UInt8[NDArray[Any], "n h w 4"]) -> Float[Tensor, "n 4 h w"]:
    """Pictures as the network has them, in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0
