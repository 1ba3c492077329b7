# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed distance as a network that starts as a ball (Atzmon and Lipman 2020, SAL, theorem 1).

A multilayer perceptron of the place and its features; softplus(100 h) / 100 in between, so that
gradients are continuous. With k the width of a layer it starts from

    hidden layers   W ~ N(0, 2 / k_out),  b = 0,  columns of features other than x, y, z at 0
    last layer      W ~ N(sqrt(pi / k_in), 1e-8),  b = -radius

which makes f(x) about |x| - radius where layers are wide. Narrow ones miss by a scale and an
offset, so the last layer's row is corrected by the two numbers that fit |x| - radius best. At a
skip the input joins the hidden features, both divided by sqrt(2). Weights are normalised
(Salimans and Kingma 2016). It must not know rays.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus
from torch.nn.utils.parametrizations import weight_norm

from lightkiln.ops.encodings import frequencies

from .hash_grid import HashGrid

SHARP = 100.0
"""beta of softplus."""
NUM_PLACES = 2000
"""At which the start is corrected."""


class Waves(nn.Module):
    """x with sines and cosines of its octaves."""

    def __init__(self, count: int, dimensions: int = 3) -> None:
        super().__init__()
        self.count = count
        self.num_outputs = dimensions * (1 + 2 * count)

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n outputs"]:
        return frequencies(x, self.count)


class PlacedGrid(nn.Module):
    """x with the features of a hash grid over the cube [-1, 1]³."""

    def __init__(self, grid: HashGrid) -> None:
        super().__init__()
        self.grid = grid
        self.num_outputs = 3 + grid.num_outputs

    def forward(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, "n outputs"]:
        return torch.cat([x, self.grid(0.5 * (x + 1.0))], dim=-1)


class SdfNetwork(nn.Module):
    """f and features of a place: (n, 3) -> (n,), (n, features)."""

    def __init__(
        self, encoding: Waves | PlacedGrid, *, width: int, depth: int, skip: bool, radius: float
    ) -> None:
        """`depth` hidden layers of `width`; `skip`: the input joins again halfway."""
        super().__init__()
        self.encoding = encoding
        self.num_features = width
        self._skip = depth // 2 if skip else -1
        inputs = encoding.num_outputs
        layers = []
        for index in range(depth):
            wide = inputs if index == 0 else width
            # What is joined must leave room for the input in the width.
            narrow = width - inputs if index + 1 == self._skip else width
            layers.append(_hidden(wide, narrow, index == 0, index == self._skip, inputs))
        layers.append(_last(width, 1 + width, radius))
        self._layers = nn.ModuleList(layers)
        self._correct(radius)
        self._layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(
        self, x: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n features"]]:
        encoded = hidden = self.encoding(x)
        for index, layer in enumerate(self._layers):
            if index == self._skip:
                hidden = torch.cat([hidden, encoded], dim=-1) / math.sqrt(2.0)
            hidden = layer(hidden)
            if index + 1 < len(self._layers):
                hidden = softplus(hidden, beta=SHARP)
        return hidden[:, 0], hidden[:, 1:]

    @torch.no_grad()
    def _correct(self, radius: float) -> None:
        """Least squares of scale f + offset to |x| - radius, all radii up to 1 alike."""
        x = torch.rand((NUM_PLACES, 1)) * normalize(torch.randn((NUM_PLACES, 3)), dim=-1)
        found, wanted = self(x)[0], x.norm(dim=-1) - radius
        columns = torch.stack([found, torch.ones_like(found)], dim=-1)
        scale, offset = torch.linalg.lstsq(columns, wanted[:, None]).solution[:, 0]
        last = self._layers[-1]
        assert isinstance(last, nn.Linear)
        last.weight[0] *= scale
        last.bias[0] = last.bias[0] * scale + offset


def _hidden(wide: int, narrow: int, is_first: bool, is_skip: bool, inputs: int) -> nn.Linear:
    layer = nn.Linear(wide, narrow)
    with torch.no_grad():
        layer.weight.normal_(0.0, math.sqrt(2.0 / narrow))
        layer.bias.zero_()
        if is_first:
            layer.weight[:, 3:] = 0.0
        if is_skip:
            layer.weight[:, wide - inputs + 3 :] = 0.0
    return layer


def _last(wide: int, narrow: int, radius: float) -> nn.Linear:
    layer = nn.Linear(wide, narrow)
    with torch.no_grad():
        layer.weight.normal_(math.sqrt(math.pi / wide), 1e-4)
        layer.bias.fill_(-radius)
    return layer
