# SPDX-License-Identifier: GPL-3.0-or-later
"""3D-R2N2: one photograph or several, without cameras, to voxels (arXiv:1604.00449).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param
from lightkiln.methods.one_picture import Looks


@dataclass(frozen=True, kw_only=True)
class Params(Looks):
    faces: int = param(20_000, "Triangles of the mesh, at most.", min=500, max=200_000)


SPEC = MethodSpec(
    name="r2n2",
    title="3D-R2N2",
    summary=(
        "Guesses a whole shape of 32 voxels a side from one photograph, better from a folder of "
        "several of the same thing, in any order and without cameras. It knows chairs, sofas, "
        "tables, lamps, mugs, bottles, planes, cars and boats of simple bodies. Seconds."
    ),
    params=Params,
    entry="lightkiln.methods.r2n2.infer:reconstruct",
    needs=(Need.FEW_IMAGES,),
    memory_mb=1500,
)
