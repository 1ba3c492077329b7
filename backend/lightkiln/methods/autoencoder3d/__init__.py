# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoencoder: a mesh given back as the network knows such things (Brock et al. 2016).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param


@dataclass(frozen=True, kw_only=True)
class Params:
    threshold: float = param(
        0.5, "Probability at which a place is solid: lower is thicker.", min=0.05, max=0.95
    )
    faces: int = param(20_000, "Most triangles of the mesh.", min=500, max=200_000)
    weights: str = param(
        "", "A file that `lightkiln train` left; empty: built in.", unit="path", advanced=True
    )


SPEC = MethodSpec(
    name="autoencoder3d",
    title="Autoencoder",
    summary=(
        "Gives a rough or torn mesh back whole, as 32 voxels a side tell it: chairs, sofas, "
        "tables, lamps, mugs, bottles, planes, cars and boats of simple bodies. Seconds."
    ),
    params=Params,
    entry="lightkiln.methods.autoencoder3d.mend:reconstruct",
    needs=(Need.MESH,),
    memory_mb=800,
)
