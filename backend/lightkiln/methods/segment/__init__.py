# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation: which pixels of each photograph show the object, without learned weights.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Product, param

CUT_OUT, COLOR_KEY = "cut-out", "color-key"


@dataclass(frozen=True, kw_only=True)
class Params:
    how: str = param(
        CUT_OUT,
        "Cut the object out by its colours and the region, or take away one background colour.",
        choices=(CUT_OUT, COLOR_KEY),
    )
    key: str = param("#00ff00", "The background's colour for the colour key, as #rrggbb.")
    tolerance: float = param(
        25.0, "Distance from the key within which a colour is background.", min=1.0, max=150.0
    )


SPEC = MethodSpec(
    name="segment",
    title="Segment",
    summary="Finds masks: the object's outline in every photograph. Seconds.",
    params=Params,
    entry="lightkiln.methods.segment.cut:segment",
    produces=Product.MASKS,
    devices=("cpu",),
    memory_mb=1000,
)
