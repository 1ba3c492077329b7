# SPDX-License-Identifier: GPL-3.0-or-later
"""3D recurrent reconstruction (Choy et al. 2016, arXiv:1604.00449): pictures of a thing, one or
many in any order and without cameras, to voxels in the thing's own frame.

A 4 x 4 x 4 grid of cells reads one picture's features x after another (their section 3.2; each
cell has its own W and b, U is shared, and U * is a convolution with a kernel of 1³ or 3³):

    LSTM, without an output gate:
          f = sigmoid(W_f x + U_f * h + b_f),  i = sigmoid(W_i x + U_i * h + b_i)
          s = f s + i tanh(W_s x + U_s * h + b_s),  h = tanh(s)
    GRU:
          u = sigmoid(W_u x + U_u * h + b_u),  r = sigmoid(W_r x + U_r * h + b_r)
          h = (1 - u) h + u tanh(W_h x + U_h * (r h) + b_h)

As there: six convolutions with pooling and leaky ReLU of 0.1, and a decoder of five. Other than
there: batch norm, without which a narrow net learns the mean shape alone; a picture has an alpha;
sizes are the constructor's, and the catalogue has the paper's. It must not know data or meshes.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

GRID, SIDE = 4, 32
"""Cells along a side of the recurrent grid; voxels along one of the answer."""
LEAK = 0.1


class R2n2(nn.Module):
    """Pictures in; two logits of every voxel out: of being empty, of being filled."""

    def __init__(
        self,
        *,
        kernel: int = 3,
        gru: int = 0,
        pixels: int = 64,
        width: int = 24,
        features: int = 192,
        hidden: int = 48,
        decoder: int = 32,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.encoder = Encoder(pixels, width, features)
        self.cells = (GruCells if gru else LstmCells)(features, hidden, kernel)
        self.decoder = Decoder(hidden, decoder)

    def forward(
        self, pictures: Float[Tensor, "n views 4 H H"]
    ) -> Float[Tensor, "n 2 side side side"]:
        """The logits after the last picture."""
        count, views = pictures.shape[:2]
        each = self.encoder(pictures.flatten(0, 1)).view(count, views, -1)
        state = self.cells.begin(count, each)
        for seen in each.unbind(1):
            state = self.cells(seen, state)
        logits: Tensor = self.decoder(state[0])
        return logits


class Encoder(nn.Module):
    """Six convolutions, each halved by pooling, and a layer to the features of one picture."""

    def __init__(self, pixels: int, width: int, features: int) -> None:
        super().__init__()
        widths = [4, width, width * 4 // 3, *[width * 8 // 3] * 4]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(widths)):
            kernel = 3 if index else 7
            layers += [
                nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(after),
                nn.MaxPool2d(2, ceil_mode=True),
                nn.LeakyReLU(LEAK),
            ]
            pixels = (pixels + 1) // 2
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.last = nn.Sequential(
            nn.Linear(widths[-1] * pixels * pixels, features), nn.LeakyReLU(LEAK)
        )

    def forward(self, pictures: Float[Tensor, "n 4 H H"]) -> Float[Tensor, "n features"]:
        found: Tensor = self.last(self.layers(pictures - 0.5))
        return found


class Cells(nn.Module):
    """What both kinds share: the part of every gate that a picture decides, and the convolution."""

    def __init__(self, features: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.seen = nn.Linear(features, 3 * hidden * GRID**3)
        self.before = nn.Conv3d(hidden, 3 * hidden, kernel, padding=kernel // 2, bias=False)

    def begin(self, count: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Nothing seen yet: h and s."""
        nothing = like.new_zeros(count, self.hidden, GRID, GRID, GRID)
        return nothing, nothing

    def gates(self, x: Float[Tensor, "n features"]) -> tuple[Tensor, ...]:
        """W x + b of the three, each (n, hidden, 4, 4, 4)."""
        seen: Tensor = self.seen(x).view(len(x), 3 * self.hidden, GRID, GRID, GRID)
        return seen.chunk(3, dim=1)


class LstmCells(Cells):
    """Long short-term memory without an output gate."""

    def forward(
        self, x: Float[Tensor, "n features"], state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """h and s after one picture more."""
        h, s = state
        forget, take, new = (
            seen + before
            for seen, before in zip(self.gates(x), self.before(h).chunk(3, dim=1), strict=True)
        )
        s = torch.sigmoid(forget) * s + torch.sigmoid(take) * torch.tanh(new)
        return torch.tanh(s), s


class GruCells(Cells):
    """Gated recurrent units; their s is h."""

    def forward(
        self, x: Float[Tensor, "n features"], state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """h, twice, after one picture more."""
        h = state[0]
        update, reset, new = self.gates(x)
        of_update, of_reset, of_new = self.before.weight.chunk(3)
        pad = self.before.padding
        update = torch.sigmoid(update + functional.conv3d(h, of_update, padding=pad))
        reset = torch.sigmoid(reset + functional.conv3d(h, of_reset, padding=pad))
        new = torch.tanh(new + functional.conv3d(reset * h, of_new, padding=pad))
        h = torch.lerp(h, new, update)
        return h, h


class Decoder(nn.Module):
    """Three doublings with a convolution each, and two convolutions more."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        widths = [hidden, width, width, width // 2, width // 4]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(widths)):
            layers += [nn.Upsample(scale_factor=2)] if index < 3 else []
            layers += [
                nn.Conv3d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm3d(after),
                nn.LeakyReLU(LEAK),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 2, 3, padding=1))

    def forward(self, h: Float[Tensor, "n hidden 4 4 4"]) -> Float[Tensor, "n 2 side side side"]:
        found: Tensor = self.layers(h.to(memory_format=torch.channels_last_3d))
        return found.contiguous()
