# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates: what a prior thinks of a prompt, before anything is made of it.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, Product, param


@dataclass(frozen=True, kw_only=True)
class Params:
    prior: str = param("embedded", "What knows how prompts look: embedded, a folder, a model id.")
    guidance: float = param(
        0.0, "How strictly the prompt is followed; 0: as suits the prior.", min=0.0, max=1000.0
    )
    count: int = param(4, "Seeds that are tried, each one more than the last.", min=1, max=16)
    steps: int = param(30, "Steps in which a picture is drawn.", min=2, max=1000, advanced=True)


SPEC = MethodSpec(
    name="text-candidates",
    title="Candidates",
    summary="Shows a prompt from four sides for each of some seeds. Seconds.",
    params=Params,
    entry="lightkiln.methods.text_candidates.draw:draw",
    needs=(Need.TEXT,),
    produces=Product.PICTURES,
    memory_mb=2000,
)
