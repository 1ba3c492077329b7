# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made at the 3D cursor: how large, and from which seed.

It must not know what is made.
"""

from __future__ import annotations

import random

import numpy as np
from bpy.props import FloatProperty, IntProperty
from bpy.types import Scene

from .method_params import INT_MAX
from .shared.scene import Region, RegionShape


class AtCursor:
    """What settings of such things have in common; Blender reads the properties of a base too."""

    seed: IntProperty(
        name="Seed",
        description="Another seed, another result; the same one, the same result",
        min=0,
        max=INT_MAX,
    )
    size: FloatProperty(
        name="Size",
        description="Of the space around the 3D cursor that the thing fills",
        subtype="DISTANCE",
        default=2.0,
        min=0.001,
        soft_max=100.0,
    )


def region(scene: Scene, size: float) -> Region:
    """The cube of that edge around the cursor."""
    placed = np.diag([0.5 * size] * 3 + [1.0])
    placed[:3, 3] = scene.cursor.location
    return Region(shape=RegionShape.BOX, world_from_region=placed)


def another_seed() -> int:
    """Any."""
    return random.randint(0, INT_MAX)
