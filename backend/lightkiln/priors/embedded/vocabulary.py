# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the built-in world. It must not know how anything looks: `shapes`, `paint` do."""

from __future__ import annotations

SHAPES = (
    "cube",
    "sphere",
    "cylinder",
    "cone",
    "torus",
    "pyramid",
    "bowl",
    "mug",
    "crate",
    "bottle",
    "table",
    "chair",
    "lamp",
    "house",
    "tree",
    "mushroom",
    "snowman",
)
CONTAINERS = ("bowl", "mug", "crate")
"""What something can be inside."""
COLORS = (
    "red",
    "orange",
    "yellow",
    "green",
    "cyan",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
    "grey",
    "black",
)
MATERIALS = ("plain", "shiny", "metallic", "striped", "checkered", "dotted")
SIZES = ("medium", "small", "big")
RELATIONS = ("on", "beside", "inside", "with")

USUAL_COLOR = {
    "bowl": "white",
    "mug": "white",
    "crate": "brown",
    "bottle": "green",
    "table": "brown",
    "chair": "brown",
    "lamp": "yellow",
    "house": "white",
    "tree": "green",
    "mushroom": "red",
    "snowman": "white",
}
"""Of a thing whose colour is not said; the others are grey."""

SYNONYMS = {
    "ball": "sphere",
    "globe": "sphere",
    "orb": "sphere",
    "box": "cube",
    "block": "cube",
    "dice": "cube",
    "die": "cube",
    "ring": "torus",
    "donut": "torus",
    "doughnut": "torus",
    "tube": "cylinder",
    "column": "cylinder",
    "drum": "cylinder",
    "cup": "mug",
    "basket": "crate",
    "tray": "crate",
    "flask": "bottle",
    "vase": "bottle",
    "desk": "table",
    "stool": "chair",
    "seat": "chair",
    "hut": "house",
    "cottage": "house",
    "home": "house",
    "toadstool": "mushroom",
    "gray": "grey",
    "turquoise": "cyan",
    "teal": "cyan",
    "violet": "purple",
    "magenta": "pink",
    "beige": "brown",
    "navy": "blue",
    "crimson": "red",
    "scarlet": "red",
    "golden": "yellow",
    "silver": "grey",
    "matte": "plain",
    "glossy": "shiny",
    "polished": "shiny",
    "metal": "metallic",
    "steel": "metallic",
    "stripy": "striped",
    "stripes": "striped",
    "checked": "checkered",
    "chequered": "checkered",
    "chessboard": "checkered",
    "spotted": "dotted",
    "polka-dot": "dotted",
    "polka-dotted": "dotted",
    "little": "small",
    "tiny": "small",
    "mini": "small",
    "large": "big",
    "huge": "big",
    "giant": "big",
    "normal": "medium",
    "atop": "on",
    "upon": "on",
    "near": "beside",
    "by": "beside",
    "alongside": "beside",
    "and": "beside",
    "in": "inside",
    "into": "inside",
    "within": "inside",
    "holding": "with",
}
"""Other words for the same; plurals are taken for one thing."""

PHRASES = {
    "on top of": "on",
    "next to": "beside",
    "to the left of": "beside",
    "polka dot": "dotted",
    "polka dots": "dotted",
    "fir tree": "tree",
}
"""Several words for one."""

# fmt: off
SILENT = frozenset((
    "a", "an", "the", "of", "is", "that", "which", "standing", "sitting", "lying", "stands",
    "sits", "lies", "made", "colored", "coloured", "one", "some", "this", "there", "shown",
    "single", "object", "thing", "3d", "model", "render", "rendering", "picture", "photo",
    "please", "make", "generate", "create", "me",
))
# fmt: on
"""Words that say nothing here."""

UNDER = frozenset({"under", "below", "beneath", "underneath"})
"""A under B is B on A."""
