# SPDX-License-Identifier: GPL-3.0-or-later
"""Alignment: where photographs were taken, by structure from motion (doi:10.1109/CVPR.2016.445).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, Product, param

LENSES = ("pinhole", "simple-radial", "radial", "opencv")


@dataclass(frozen=True, kw_only=True)
class Params:
    max_side: int = param(
        1600, "Larger photographs are shrunk to this for matching.", min=200, max=8000, unit="px"
    )
    features: int = param(4096, "Features of each photograph, at most.", min=500, max=20_000)
    in_order: bool = param(
        False, "The photographs follow each other, as frames of a film do; a video always does."
    )
    lens: str = param(
        "simple-radial", "What is solved of the lens beside its focal length.", choices=LENSES
    )
    all_at_once: bool = param(
        False, "Solve all cameras at once: faster for many hundreds.", advanced=True
    )


SPEC = MethodSpec(
    name="align",
    title="Align",
    summary="Finds where photographs or the frames of a video were taken. Minutes.",
    params=Params,
    entry="lightkiln.methods.align.find:align",
    needs=(Need.UNPOSED_PHOTOS,),
    produces=Product.SCENE,
    devices=("cpu",),
    memory_mb=1500,
    presets={
        "draft": {"max_side": 1000, "features": 2048},
        "high": {"max_side": 2400, "features": 8192},
    },
)
