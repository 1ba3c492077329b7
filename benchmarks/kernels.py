# SPDX-License-Identifier: GPL-3.0-or-later
"""How much faster the compiled kernels are than their readable references, on this processor, and
networks with numbers of 16 bits than with 32.

Both run in this process, in turn, so that what else the machine does falls on both; ratios are of
medians. Random places are the worst case for caches. It must not know methods.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType

import numba
import numpy as np
import torch
from lightkiln.ops.kernels import hash_grid, hash_grid_autograd
from lightkiln.ops.kernels.adam_rows import step_rows
from torch import Tensor, nn

from .machine import DOCS, commit, machine, today

POINTS, LEVELS, LOG2_SIZE, FEATURES = 65_536, 16, 19, 2
ROUNDS = 7
SAMPLES = 16_384
"""Places at which a network is asked."""
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


NETWORKS = """

Layers of radiance fields' networks reckon with numbers of 16 bits (bfloat16) where the processor
has AVX512-BF16; all else keeps 32. Forwards and backwards at {samples:,} places, {threads} threads,
medians of {rounds} rounds in turn.

| network | 32 bits, s | 16 bits, s | ratio |
|---|---|---|---|
"""
TAIL = """

Signed distances keep 32 bits: their normals are differences of close places, and 16 bits hold two
to three digits.

The loops for CUDA, Triton's and tiny-cuda-nn's (where `tinycudann` is installed), have not been
timed: no device was at hand. Triton's are tested through its interpreter. Of tiny-cuda-nn's only
what its documentation says has been tested, not the library: on a device it is compared with the
reference each time before it is used, and left alone if it differs.
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
    about = NETWORKS.format(samples=SAMPLES, threads=torch.get_num_threads(), rounds=ROUNDS)
    networks = [_network_row(name, make()) for name, make in FIELDS.items()]
    page = head + "\n".join(rows) + about + "\n".join(networks) + TAIL
    (DOCS / "kernels.md").write_text(page, encoding="utf-8")


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


def _network_row(name: str, network: Callable[[], Tensor]) -> str:
    def step(short: bool) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=short):
            network().float().sum().backward()

    steps = [partial(step, short) for short in (False, True)]
    for each in steps:
        each()
    took = np.array([[_timed(each)[0] for each in steps] for _ in range(ROUNDS)])
    whole, short = np.median(took, axis=0)
    return f"| {name} | {whole:.3f} | {short:.3f} | {whole / short:.1f} |"


def _layers(inputs: int, width: int, depth: int) -> Callable[[], Tensor]:
    """A network of a radiance field, as it is asked."""
    sizes = [inputs, *[width] * depth]
    hidden = [
        layer
        for wide, narrow in itertools.pairwise(sizes)
        for layer in (nn.Linear(wide, narrow), nn.ReLU())
    ]
    network = nn.Sequential(*hidden, nn.Linear(width, 3))
    x = torch.rand((SAMPLES, inputs), generator=torch.Generator().manual_seed(0))
    return lambda: network(x)


FIELDS = {
    "`instant-ngp`, 2 of 64": lambda: _layers(32, 64, 2),
    "`nerf`, draft: 4 of 64": lambda: _layers(45, 64, 4),
    "`nerf`, standard: 6 of 128": lambda: _layers(63, 128, 6),
    "`nerf`, high: 8 of 256": lambda: _layers(63, 256, 8),
}


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
