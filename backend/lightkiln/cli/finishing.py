# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of commands that finish a surface: the fields of `Finish`, as they are typed.

It must not know commands.
"""

from __future__ import annotations

from typing import Annotated

import typer

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
