# SPDX-License-Identifier: GPL-3.0-or-later
"""How much faster the compiled kernels are than their readable references, on this processor.

Both run in this process, in turn, so that what else the machine does falls on both; ratios are of
medians. Random places are the worst case for caches. It must not know methods.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import numba
import numpy as np
import torch
from lightkiln.ops.kernels import hash_grid, hash_grid_autograd
from lightkiln.ops.kernels.adam_rows import step_rows
from torch import Tensor

from .machine import DOCS, commit, machine, today

POINTS, LEVELS, LOG2_SIZE, FEATURES = 65_536, 16, 19, 2
ROUNDS = 7
KINDS = {
    "features, and their slope in the tables": False,
    "the same, and the slope in places": True,
}
HEAD = """# Kernels

`python -m benchmarks.kernels` on {date} at {commit}, on {machine}. A step of training of a hash
grid of {levels} levels, 2^{size} rows, {features} features, at {points:,} random places,
with Adam for all of the table (torch's, in the reference) or for its touched rows (ours).
Processor time is that of all threads together; medians of {rounds} rounds in turn.

| step | threads | reference, s | compiled, s | ratio | ratio of processor time |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the page."""
    rows = [
        _row(name, slope, threads)
        for threads in (1, torch.get_num_threads())
        for name, slope in KINDS.items()
    ]
    head = HEAD.format(
        date=today(),
        commit=commit(),
        machine=machine(),
        levels=LEVELS,
        size=LOG2_SIZE,
        features=FEATURES,
        points=POINTS,
        rounds=ROUNDS,
    )
    (DOCS / "kernels.md").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


def _row(name: str, slope: bool, threads: int) -> str:
    torch.set_num_threads(threads)
    numba.set_num_threads(threads)
    steps = [_stepper(hash_grid, slope, sparse=False), _stepper(hash_grid_autograd, slope, True)]
    for step in steps:
        step()  # compiled and warm
    took = np.array([[_timed(step) for step in steps] for _ in range(ROUNDS)])
    reference, ours = np.median(took, axis=0)
    return (
        f"| {name} | {threads} | {reference[0]:.3f} | {ours[0]:.3f} "
        f"| {reference[0] / ours[0]:.1f} | {reference[1] / ours[1]:.1f} |"
    )


def _stepper(kernels: ModuleType, slope: bool, sparse: bool) -> Callable[[], None]:
    """A step of training, ready to be taken again and again."""
    levels = hash_grid.hash_levels(LEVELS, 16, 2048, LOG2_SIZE)
    draw = torch.Generator().manual_seed(0)
    tables = (
        torch.rand((levels.num_rows, FEATURES), generator=draw) * 2e-4 - 1e-4
    ).requires_grad_()
    x = torch.rand((POINTS, 3), generator=draw).requires_grad_(slope)
    optimiser = torch.optim.Adam([tables], lr=1e-2, betas=(0.9, 0.99), eps=1e-15)
    moments: tuple[Tensor, Tensor] = (torch.zeros_like(tables), torch.zeros_like(tables))

    def step() -> None:
        kernels.encode(x, tables, levels).square().sum().backward()
        if sparse:
            assert tables.grad is not None
            step_rows(tables.detach(), tables.grad, moments, 1e-2)
        else:
            optimiser.step()
        tables.grad = x.grad = None

    return step


def _timed(step: Callable[[], None]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
