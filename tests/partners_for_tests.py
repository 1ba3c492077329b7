# SPDX-License-Identifier: GPL-3.0-or-later
"""A method that several processes work on together, in the last of which memory is full."""

from __future__ import annotations

from dataclasses import dataclass

from lightkiln.api import Inputs, MethodSpec, Run, TriangleMesh, param
from lightkiln.training.processes import group_on
from methods_for_tests import triangle


@dataclass(frozen=True, kw_only=True)
class Params:
    devices: int = param(2, "Processes.", min=1, max=2)
    batch: int = param(64, "What takes memory.", min=1, max=64)


SPEC = MethodSpec(
    name="partners",
    title="Partners",
    summary="Counts together.",
    params=Params,
    entry="partners_for_tests:reconstruct",
    halvings=(("batch",),),
)


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    with group_on(run.device) as group, run.phase("counting", share=1.0):
        for step in group.together(run.steps(4)):
            if step == 2 and group.rank == 1:
                raise MemoryError
    return triangle(1.0)
