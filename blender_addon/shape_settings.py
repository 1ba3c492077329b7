# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person says that a method which has learned shapes shall make; saved with the .blend.

It must not know jobs or backends.
"""

from bpy.props import EnumProperty, StringProperty
from bpy.types import PropertyGroup

from .at_cursor import AtCursor
from .method_params import RELATIVE


class LightkilnShape(AtCursor, PropertyGroup):
    method: StringProperty(
        name="Method", description="What makes the mesh, and of what", default="occupancy-network"
    )
    picture: StringProperty(
        name="Photograph",
        description="A picture of the thing, best cut out or on a plain background; for 3D-R2N2 "
        "also a folder of some",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    points: StringProperty(
        name="Points",
        description="A PLY file of points of the surface, upright, the front towards -Y",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    meshes: EnumProperty(
        name="Learn From",
        description="The meshes whose kind the new one shall be of",
        items=(
            ("SELECTED", "Selection", "The selected objects; their collections say what they are"),
            (
                "LIBRARY",
                "Asset Library",
                "All meshes that an asset library has as assets",
            ),
        ),
    )
    library: StringProperty(
        name="Library", description="One of the asset libraries in Blender's preferences"
    )
    volume: StringProperty(
        name="Volume",
        description="A NIfTI or NRRD file, a DICOM file, or a folder of slices",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
