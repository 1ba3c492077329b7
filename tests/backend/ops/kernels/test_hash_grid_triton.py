# SPDX-License-Identifier: GPL-3.0-or-later
"""Triton's loops, run by its interpreter on the processor, against autograd through the reference.

The interpreter is chosen before Triton is imported, and for this process's life.
"""

from __future__ import annotations

import os

import pytest
import torch
from lightkiln.ops.kernels import hash_grid
from torch import Tensor

os.environ["TRITON_INTERPRET"] = "1"
pytest.importorskip("triton", reason="Triton is not installed: it exists for Linux alone")

from lightkiln.ops.kernels import hash_grid_triton as loops

LEVELS = hash_grid.hash_levels(3, 4, 64, 10)
COUNT, FEATURES = 150, 2  # two blocks, the second not full


def near(found: Tensor, true: Tensor) -> bool:
    return bool((found - true).abs().max() < 1e-4 * true.abs().max())


@pytest.mark.parametrize("directed", [False, True])
def test_every_loop_is_what_autograd_makes_of_the_reference(directed: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    x, tables, g, v = (
        torch.randn(shape, generator=draw, dtype=torch.float64)
        for shape in ((COUNT, 3), (LEVELS.num_rows, FEATURES), (COUNT, 6), (COUNT, 3))
    )
    x = torch.rand((COUNT, 3), generator=draw).double()  # float32's places, or cells would differ
    leaves = [each.requires_grad_() for each in (x, tables, g)]
    if directed:  # the derivative along v is that of <v, pull>, which is linear in v and in g
        total = (v * hash_grid.pull(x, tables, g, LEVELS)).sum()
    else:
        total = (g * hash_grid.encode(x, tables, LEVELS)).sum()
    true_x, true_tables, true_g = torch.autograd.grad(total, leaves)
    x, tables, g, v = (each.detach().float() for each in (x, tables, g, v))
    along = v if directed else None
    assert near(loops.gather(x, along, tables, LEVELS), true_g)
    assert near(loops.scatter(x, along, g, LEVELS.num_rows, LEVELS), true_tables)
    assert near(loops.pull(x, along, tables, g, LEVELS), true_x)
