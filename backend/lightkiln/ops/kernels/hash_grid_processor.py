# SPDX-License-Identifier: GPL-3.0-or-later
"""The loops of `hash_grid_numba` on torch's tensors, with the signatures of `hash_grid_triton`.

It must not know autograd.
"""

from __future__ import annotations

from typing import Any

import torch
from numba import get_num_threads
from numpy.typing import NDArray
from torch import Tensor

from . import hash_grid_numba as loops
from .hash_grid import HashLevels


def gather(x: Tensor, v: Tensor | None, tables: Tensor, levels: HashLevels) -> Tensor:
    """e (n, outputs) of places x (n, 3); along v (n, 3) if it is given."""
    out = torch.empty((len(x), len(levels.resolutions) * tables.shape[1]), dtype=x.dtype)
    rows = loops.level_array(levels)
    loops.gather(_columns(x), _direction(x, v), _array(tables), rows, out.numpy())
    return out


def scatter(x: Tensor, v: Tensor | None, g: Tensor, num_rows: int, levels: HashLevels) -> Tensor:
    """dT (num_rows, features) from g (n, outputs); v as in `gather`."""
    out = torch.zeros((num_rows, g.shape[1] // len(levels.resolutions)), dtype=x.dtype)
    rows, workers = loops.level_array(levels), get_num_threads()
    loops.scatter(_columns(x), _direction(x, v), _array(g), rows, workers, out.numpy())
    return out


def pull(x: Tensor, v: Tensor | None, tables: Tensor, g: Tensor, levels: HashLevels) -> Tensor:
    """dx (n, 3) from g (n, outputs); v as in `gather`."""
    out = torch.zeros((3, len(x)), dtype=x.dtype)
    rows = loops.level_array(levels)
    loops.pull(_columns(x), _direction(x, v), _array(tables), _array(g), rows, out.numpy())
    return out.T


def _direction(x: Tensor, v: Tensor | None) -> NDArray[Any]:
    return _columns(x[:0] if v is None else v)


def _columns(rows: Tensor) -> NDArray[Any]:
    """(3, n): so that loops over points are vectorised."""
    return _array(rows.T)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array
