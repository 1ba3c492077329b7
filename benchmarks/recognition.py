# SPDX-License-Identifier: GPL-3.0-or-later
"""A judge that names what a mesh shows, by what it looks most like.

It stands in for CLIP's R-precision. The vocabulary is known, so each word of the prompt is put to
the choice: of all scenes that differ from the prompt's in that one word, which looks most like the
mesh, from four sides? A colour is chosen among twelve, a shape among all, a relation among four.
Nothing is learned, so nothing can be learned wrongly; what it cannot tell apart in true scenes is
reported beside what it says of meshes. It must not know how meshes are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from lightkiln.priors.embedded.manifest import STYLES
from lightkiln.priors.embedded.renders import render
from lightkiln.priors.embedded.scenery import arranged
from lightkiln.priors.embedded.sentence import Sentence, Thing
from lightkiln.priors.embedded.vocabulary import COLORS, CONTAINERS, RELATIONS, SHAPES
from numpy.typing import NDArray

AZIMUTHS = (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi)
ELEVATION = 0.35
"""Of the four cameras, radians."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the judge chose, word for word."""

    things: tuple[Thing, ...]
    relation: str

    def __str__(self) -> str:
        words = [f"{thing.color} {thing.shape}" for thing in self.things]
        return f" {self.relation} ".join(words)

    def are_things(self, sentence: Sentence) -> bool:
        """Whether shape and colour of every named thing are the prompt's."""
        return self.things == sentence.things

    def is_relation(self, sentence: Sentence) -> bool:
        return self.relation == sentence.relation


def named(four: NDArray[Any], sentence: Sentence) -> Named:
    """What four pictures (4, size, size, 4), RGB times alpha and alpha in [0, 1], show."""
    things = []
    for place, thing in enumerate(sentence.things):
        shape = _nearest(four, [_with(sentence, place, replace(thing, shape=s)) for s in SHAPES])
        color = _nearest(four, [_with(sentence, place, replace(thing, color=c)) for c in COLORS])
        both = replace(thing, shape=shape.things[place].shape, color=color.things[place].color)
        things.append(both)
    relations = [replace(sentence, relation=word) for word in RELATIONS if sentence.relation]
    chosen = _nearest(four, [*filter(_can_be, relations)] or [sentence])
    return Named(tuple(things), chosen.relation)


@cache
def four_views(sentence: Sentence) -> NDArray[Any]:
    """True pictures (4, size, size, 4) in [0, 1], unlit."""
    scenery = arranged(sentence)
    shown = [render(scenery, azimuth, ELEVATION, STYLES[0]) for azimuth in AZIMUTHS]
    return np.stack(shown).astype(np.float32) / 255.0


def _nearest(four: NDArray[Any], sentences: Iterable[Sentence]) -> Sentence:
    possible = [each for each in sentences if _can_be(each)]
    return min(possible, key=lambda each: float(((four_views(each) - four) ** 2).mean()))


def _can_be(sentence: Sentence) -> bool:
    """Whether the built-in world has such a scene."""
    second = sentence.second
    return sentence.relation != "inside" or (second is not None and second.shape in CONTAINERS)


def _with(sentence: Sentence, place: int, thing: Thing) -> Sentence:
    return replace(sentence, first=thing) if place == 0 else replace(sentence, second=thing)
