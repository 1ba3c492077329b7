# SPDX-License-Identifier: GPL-3.0-or-later
"""How a surface is finished after any method: options of a job beside its method's parameters.

Described like a method's parameters, so panel, command line and validation come from here.
It must not know how a mesh is unwrapped or baked.
"""

from __future__ import annotations

from dataclasses import dataclass

from .params import param


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What is done to the surface that a method has made."""

    texture: int = param(
        0, "Texels along the texture's edge; 0: colours of vertices only.", min=0, max=8192
    )
    faces: int = param(
        0,
        "Triangles, at most; 0: as the method made them, with a texture 100 000.",
        min=0,
        max=5_000_000,
    )
    fill_holes: bool = param(False, "Close every hole.")
    keep_largest: bool = param(False, "Keep only the largest connected part.")
    normal_map: bool = param(
        True, "With a texture: keep the fine shape that fewer triangles lose as a normal map."
    )
