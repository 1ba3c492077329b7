# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences as numbers, for the network: a slot for each thing's shape, colour, material and size.

It must not know pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from .sentence import Sentence
from .vocabulary import COLORS, MATERIALS, RELATIONS, SHAPES, SIZES

KINDS = (SHAPES, COLORS, MATERIALS, SIZES)
NUM_THINGS = 2
COUNTS = (*(len(kind) for kind in KINDS), len(RELATIONS))


def numbers(
    sentences: Sequence[Sentence],
) -> tuple[Int[NDArray[Any], "n things slots"], Int[NDArray[Any], " n"]]:
    """Places in the lists of words, from 1 on; 0: nothing."""
    things = np.zeros((len(sentences), NUM_THINGS, len(KINDS)), dtype=np.int64)
    relation = np.zeros(len(sentences), dtype=np.int64)
    for index, sentence in enumerate(sentences):
        for place, thing in enumerate(sentence.things):
            said = (thing.shape, thing.color, thing.material, thing.size)
            things[index, place] = [
                1 + kind.index(word) for kind, word in zip(KINDS, said, strict=True)
            ]
        if sentence.relation:
            relation[index] = 1 + RELATIONS.index(sentence.relation)
    return things, relation
