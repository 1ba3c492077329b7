# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person says that shall be made of words, and how; it is saved with the .blend.

It must not know jobs or backends.
"""

from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy.types import PropertyGroup

from .at_cursor import AtCursor
from .method_params import RELATIVE
from .shared.checks import MAX_CHARACTERS

EMBEDDED = "embedded"
PRIOR = "prior"
"""The parameter of a method that names what draws."""
PRIORS = (
    ("EMBEDDED", "Built In", "Knows simple things, their colours and how they lie; no download"),
    ("FOLDER", "Folder", "A diffusion model in a folder of the backend's computer"),
    ("MODEL", "Model", "A diffusion model by its id, if the backend's computer has it already"),
)


def kind_of(prior: str) -> str:
    """Which of the kinds a prior is, by its name."""
    if prior == EMBEDDED:
        return "EMBEDDED"
    return "FOLDER" if "\\" in prior or prior.startswith(("/", "~", ".")) else "MODEL"


class LightkilnText(AtCursor, PropertyGroup):
    prompt: StringProperty(
        name="Prompt",
        description="What shall be made, in words: a red torus on a blue cube",
        maxlen=MAX_CHARACTERS,
    )
    negative: StringProperty(
        name="Not", description="What it shall not look like", maxlen=MAX_CHARACTERS
    )
    method: StringProperty(
        name="Method", description="How a mesh is made of words", default="dreamfusion"
    )
    prior: EnumProperty(name="Prior", description="What knows how prompts look", items=PRIORS)
    folder: StringProperty(
        name="Folder",
        description="Where the model lies on the backend's computer",
        subtype="DIR_PATH",
        options=RELATIVE,
    )
    model: StringProperty(
        name="Model",
        description="The model's id; nothing is downloaded, the backend's computer must have it",
    )
    picture: StringProperty(
        name="Picture",
        description="An image that shows the thing from the front, best before transparency",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    from_active: BoolProperty(
        name="From Active Mesh",
        description="Begin from the shape and colours of the active mesh, where it stands",
    )
    color: EnumProperty(
        name="Colour",
        description="Where the mesh has its colours",
        items=(
            ("VERTICES", "Vertices", "A colour for each vertex: at once"),
            ("TEXTURE", "Texture", "An image that can be painted on, packed into the file"),
        ),
    )
