# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) and the loss that teaches it.

Differences from the paper: borders are padded, so the answer is as large as the picture; batches
are normalised (arXiv:1502.03167); a slice is seen with its two neighbours.
It must not know scans, phantoms or files.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 3
"""Other, bone, organs and vessels with contrast medium."""
SEEN = 3
"""A slice between its neighbours."""
LOWEST, HIGHEST = -200.0, 1200.0
"""Hounsfield units; what lies beyond looks the same."""


class UNet(nn.Module):
    """Down through `levels` pictures, each half as large as the one before, and up again."""

    def __init__(self, width: int = 16, levels: int = 4) -> None:
        super().__init__()
        widths = [width << level for level in range(levels)]
        self.levels = levels
        self.down = nn.ModuleList(
            _twice(a, b) for a, b in zip([SEEN, *widths], widths, strict=False)
        )
        self.rise = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths)
        )
        self.up = nn.ModuleList(_twice(2 * a, a) for a in widths[:-1])
        self.answer = nn.Conv2d(width, CLASSES, 1)

    def forward(self, seen: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """Logits of the classes; any height and width."""
        height, width = seen.shape[-2:]
        x = functional.pad(
            seen, (0, -width % self.multiple, 0, -height % self.multiple), value=-1.0
        )
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            kept.append(x)
        kept.pop()
        for rise, block in zip(reversed(self.rise), reversed(self.up), strict=True):
            x = block(torch.cat([kept.pop(), rise(x)], dim=1))
        logits: Tensor = self.answer(x)
        return logits[..., :height, :width].float()

    @property
    def multiple(self) -> int:
        """Of which a picture's sides must be whole numbers: it is halved so often."""
        return int(2 ** (self.levels - 1))


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions of 3 x 3."""
    layers: list[nn.Module] = []
    for before in (inputs, outputs):
        layers += [
            nn.Conv2d(before, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def windowed(values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Hounsfield units to [-1, 1]."""
    middle, half = 0.5 * (HIGHEST + LOWEST), 0.5 * (HIGHEST - LOWEST)
    return ((values - middle) / half).clamp(-1.0, 1.0)


def soft_dice(
    shares: Float[Tensor, "n c h w"], truth: Float[Tensor, "n c h w"]
) -> Float[Tensor, " c"]:
    """2 Σ p g / (Σ p² + Σ g²), class by class (Milletari et al. 2016, arXiv:1606.04797, sec. 3)."""
    over = (0, 2, 3)
    common = 2.0 * (shares * truth).sum(over)
    return (common + 1.0) / (shares.square().sum(over) + truth.square().sum(over) + 1.0)


def loss(logits: Float[Tensor, "n c h w"], labels: Int[Tensor, "n h w"]) -> Float[Tensor, ""]:
    """Cross-entropy, -mean log p of the true class, and 1 - Dice of all classes but the first."""
    truth = functional.one_hot(labels, CLASSES).movedim(-1, 1).float()
    dice = soft_dice(logits.softmax(dim=1), truth)[1:].mean()
    return functional.cross_entropy(logits, labels) + 1.0 - dice
