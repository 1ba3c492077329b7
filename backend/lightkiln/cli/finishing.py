# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of commands that finish a surface: the fields of `Finish`, as they are typed.

It must not know commands.
"""

from __future__ import annotations

from typing import Annotated

import typer
from lightkiln_shared.finish import Finish
from lightkiln_shared.params import Scalar, build

Texture = Annotated[
    int, typer.Option(help="Texels along a texture's edge; 0: colours of vertices.")
]
Faces = Annotated[
    int, typer.Option(help="Triangles, at most; 0: the method's, with a texture 100 000.")
]
FillHoles = Annotated[bool, typer.Option("--fill-holes", help="Close every hole.")]
KeepLargest = Annotated[
    bool, typer.Option("--keep-largest", help="Keep only the largest connected part.")
]


def finish_options(
    texture: int, faces: int, *, fill_holes: bool, keep_largest: bool
) -> dict[str, Scalar]:
    """What is asked for, once it is seen to be possible."""
    options: dict[str, Scalar] = {"texture": texture, "faces": faces}
    options |= {"fill_holes": fill_holes, "keep_largest": keep_largest}
    build(Finish, options)
    return options
