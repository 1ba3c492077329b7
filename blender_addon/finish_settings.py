# SPDX-License-Identifier: GPL-3.0-or-later
"""How the surface shall be finished, as a person sets it up in a scene: texture, faces, holes.

The words and limits are those of `shared.finish.Finish`; it must not know panels or jobs.
"""

import dataclasses

from bpy.props import BoolProperty, EnumProperty, IntProperty
from bpy.types import PropertyGroup

from .shared.finish import Finish
from .shared.params import Scalar

SIZES = (
    ("1024", "1024 px", "For a quick look, or a thing that stays small in the picture"),
    ("2048", "2048 px", "For most things; as much as twenty photographs of a telephone show"),
    ("4096", "4096 px", "For photographs taken from near, seen from near"),
    ("8192", "8192 px", "For many sharp photographs; takes four times the memory of 4096 px"),
)
_HELP = {field.name: field.metadata["help"].rstrip(".") for field in dataclasses.fields(Finish)}
MAX_FACES = int(Finish.__dataclass_fields__["faces"].metadata["max"])


class LightkilnFinish(PropertyGroup):
    color: EnumProperty(
        name="Colour",
        description="Where the mesh has its colours",
        items=(
            ("TEXTURE", "Texture", "An image baked from the photographs: sharp with few faces"),
            (
                "VERTICES",
                "Vertices",
                "A colour for each vertex: quick, as sharp as the mesh is fine",
            ),
        ),
        default="TEXTURE",
    )
    size: EnumProperty(
        name="Texture Size",
        description="Texels of the square image",
        items=SIZES,
        default="2048",
    )
    normal_map: BoolProperty(
        name="Normal Map",
        description=_HELP["normal_map"].removeprefix("With a texture: ").capitalize(),
        default=Finish.normal_map,
    )
    faces: IntProperty(
        name="Max Faces", description=_HELP["faces"], default=0, min=0, max=MAX_FACES, step=1000
    )
    fill_holes: BoolProperty(
        name="Fill Holes", description=_HELP["fill_holes"], default=Finish.fill_holes
    )
    keep_largest: BoolProperty(
        name="Keep Largest Part", description=_HELP["keep_largest"], default=Finish.keep_largest
    )


def values(settings: LightkilnFinish) -> dict[str, Scalar]:
    """The options of `Finish` that the settings stand for."""
    return {
        "texture": int(settings.size) if settings.color == "TEXTURE" else 0,
        "normal_map": settings.normal_map,
        "faces": settings.faces,
        "fill_holes": settings.fill_holes,
        "keep_largest": settings.keep_largest,
    }


def fill(settings: LightkilnFinish, finish: dict[str, Scalar]) -> None:
    """Set what a job was given; what it was not given has its default."""
    given = {**dataclasses.asdict(Finish()), **finish}
    settings.color = "TEXTURE" if given["texture"] else "VERTICES"
    if str(given["texture"]) in {size for size, *_ in SIZES}:
        settings.size = str(given["texture"])
    for name in ("normal_map", "faces", "fill_holes", "keep_largest"):
        setattr(settings, name, given[name])
