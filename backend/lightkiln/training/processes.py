# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes that learn one thing together, as `torchrun` starts them.

Each draws its own rays; gradients are averaged (DistributedDataParallel), so all of them hold the
same parameters after every step. What depends on a clock or on a person is decided by all, or by
the first: otherwise one would wait for ever. If one of them ends, the others do too, and say so.
Without WORLD_SIZE there is one process, and nothing of this costs anything.
It must not know what is learned.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lightkiln_shared.errors import PartnerLost
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Group:
    """This process among the others."""

    rank: int
    size: int
    device: torch.device

    def joined(self, module: nn.Module) -> nn.Module:
        """The module, with gradients that are the mean of all processes'."""
        return DistributedDataParallel(module) if self.size > 1 else module

    @property
    def is_first(self) -> bool:
        """Whether what this process makes in the end is wanted: the others' is thrown away."""
        return self.rank == 0

    def all_say(self, yes: bool) -> bool:
        """Whether every process says yes."""
        if self.size == 1:
            return yes
        answer = torch.tensor(float(yes), device=self.device)
        dist.all_reduce(answer, op=dist.ReduceOp.MIN)
        return bool(answer > 0.0)

    def of_the_first(self, value: float) -> float:
        """The first process' value."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.broadcast(shared, src=0)
        return float(shared)

    def together(self, steps: Iterable[int]) -> Iterator[int]:
        """The steps, for as long as every process has one."""
        for step in steps:
            if not self.all_say(True):
                return
            yield step
        self.all_say(False)


@contextmanager
def group_on(kind: str) -> Iterator[Group]:
    """Meet the other processes, each on a device of `kind`, `cpu` or `cuda`.

    Raises `PartnerLost` when one of them is gone.
    """
    device = torch.device(kind)
    size, rank = (int(os.environ.get(name, str(alone))) for name, alone in _NAMES)
    if size == 1:
        yield Group(0, 1, device)
        return
    if kind == "cuda":
        # A worker that is shown one device of its own finds it first.
        device = torch.device(kind, int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", rank=rank, world_size=size)
    try:
        yield Group(rank, size, device)
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or GLOO in str(error)):
            raise
        raise PartnerLost(
            "Another of the processes that learn together has ended.",
            hint="Its own message says why; start all of them again.",
        ) from error
    finally:
        dist.destroy_process_group()


GLOO = "gloo/transport"
"""In what gloo says of a broken line: it has no kind of error of its own."""
_NAMES = (("WORLD_SIZE", 1), ("RANK", 0))
