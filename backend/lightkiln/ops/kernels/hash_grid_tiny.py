# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash encoding by tiny-cuda-nn, where its Python module `tinycudann` is installed.

It is asked for one level at a time, in 32 bits, so that its lattice, its rows and its features can
be made to be ours. With a scale s it looks at s x + 1/2, has ceil(s) + 1 corners along a side,
rounds a dense level's rows up to a multiple of 8 and lets the first coordinate run fastest. So

    s = N_l, told as a coarsest resolution of N_l + 1;   x is moved by -1 / (2 N_l)
    a dense level is asked at (z, y, x), and its rows are padded;   a hashed one at (x, y, z)

`agrees` compares it with the reference at some places, so that another version of the library that
does otherwise is not used. It must not know what the features mean.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import pad

from . import hash_grid
from .hash_grid import HashLevels

FEATURES = (1, 2, 4, 8)
"""Numbers of features that it has been built for."""
ROWS = 8
"""A dense level's rows are a multiple of this."""
PLACES, TOLERANCE = 256, 1e-3


def encode(
    x: Float[Tensor, "n 3"], tables: Float[Tensor, "rows features"], levels: HashLevels
) -> Float[Tensor, "n outputs"]:
    """`hash_grid.encode`; twice differentiable."""
    return torch.cat([_level(x, tables, levels, at) for at in range(len(levels.resolutions))], -1)


def pull(
    x: Float[Tensor, "n 3"],
    tables: Float[Tensor, "rows features"],
    g: Float[Tensor, "n outputs"],
    levels: HashLevels,
) -> Float[Tensor, "n 3"]:
    """`hash_grid.pull`; differentiable once."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(encode(x, tables, levels), x, g, create_graph=True)
    return slope


@cache
def agrees(levels: HashLevels, num_features: int, device: str) -> bool:
    """Whether it is there, and says what the reference says."""
    if num_features not in FEATURES or find_spec("tinycudann") is None:
        return False
    draw = torch.Generator().manual_seed(0)
    x = torch.rand((PLACES, 3), generator=draw).to(device)
    tables = torch.randn((levels.num_rows, num_features), generator=draw).to(device)
    try:
        found = encode(x, tables, levels)
    except (ImportError, OSError, RuntimeError):  # built for another torch, device or driver
        return False
    return bool((found - hash_grid.encode(x, tables, levels)).abs().max() < TOLERANCE)


def _level(x: Tensor, tables: Tensor, levels: HashLevels, at: int) -> Tensor:
    resolution, num_features = levels.resolutions[at], tables.shape[1]
    rows = tables[levels.starts[at] : levels.starts[at + 1]]
    place = x - 0.5 / resolution
    if levels.is_dense(at):
        place, rows = place.flip(-1), pad(rows, (0, 0, 0, -len(rows) % ROWS))
    log2_size = max((len(rows) - 1).bit_length(), 3)
    module = _module(resolution, log2_size, num_features)
    encoded: Tensor = functional_call(module, {"params": rows.reshape(-1)}, (place,))
    return encoded


@cache
def _module(resolution: int, log2_size: int, num_features: int) -> Any:
    about = {
        "otype": "HashGrid",
        "n_levels": 1,
        "n_features_per_level": num_features,
        "log2_hashmap_size": log2_size,
        "base_resolution": resolution + 1,
        "per_level_scale": 1.0,
    }
    return importlib.import_module("tinycudann").Encoding(3, about, dtype=torch.float32)
