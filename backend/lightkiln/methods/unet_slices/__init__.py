# SPDX-License-Identifier: GPL-3.0-or-later
"""U-Net on slices (Ronneberger et al. 2015): from a scan's slices to the surface of its bones.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param

BONE, ORGAN = "bone", "organ"


@dataclass(frozen=True, kw_only=True)
class Params:
    label: str = param(
        BONE,
        "What is wanted: bones, or organs and vessels with contrast medium.",
        choices=(BONE, ORGAN),
    )
    threshold: float = param(
        0.5, "Probability at which the surface runs; less takes more in.", min=0.05, max=0.95
    )
    smooth: float = param(
        1.5, "Width of the smoothing before the surface is drawn, mm.", min=0.0, max=10.0
    )
    specks: float = param(
        0.001, "Parts with less of the largest part's area are left out.", min=0.0, max=1.0
    )
    weights: str = param(
        "", "A file that `lightkiln train` left; empty: the built-in one.", unit="path"
    )


SPEC = MethodSpec(
    name="unet-slices",
    title="U-Net on Slices",
    summary="Bones, or organs with contrast medium, from the slices of a CT in Hounsfield units. "
    "Learned from made-up bodies alone; not for diagnosis.",
    params=Params,
    entry="lightkiln.methods.unet_slices.infer:reconstruct",
    needs=(Need.VOLUME,),
    memory_mb=2000,
)
