# SPDX-License-Identifier: GPL-3.0-or-later
"""Own shapes: learns the shapes of a person's own meshes, and makes another one of their kind.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param
from lightkiln.methods.invention import Draws


@dataclass(frozen=True, kw_only=True)
class Params(Draws):
    steps: int = param(
        1500,
        "Of the course, some 200 a minute; what was learned is kept.",
        min=10,
        max=1_000_000,
    )
    family: str = param("", "Collection or folder it shall be like; empty: any of them.")
    smooth: float = param(
        0.9, "Voxels over which stairs are smoothed; more takes thin parts away.", min=0.0, max=2.0
    )
    variants: int = param(
        12, "Times each mesh is shown, stretched along its axes.", min=2, max=200, advanced=True
    )


SPEC = MethodSpec(
    name="own-shapes",
    title="Own Shapes",
    summary=(
        "Learns the shapes of your own meshes, of a collection or an asset library, and makes "
        "another one of their kind for every seed. Some minutes at first; the same meshes with "
        "another seed take seconds."
    ),
    params=Params,
    entry="lightkiln.methods.own_shapes.teach:generate",
    needs=(Need.MESHES,),
    memory_mb=1500,
    presets={"draft": {"steps": 400}, "high": {"steps": 6000}},
)
