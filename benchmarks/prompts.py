# SPDX-License-Identifier: GPL-3.0-or-later
"""Forty prompts whose combinations the built-in prior was never shown.

A quarter names one thing in a colour that it never had; the others name two, so that a colour, or
the two shapes in that relation, is new. It must not know methods.
"""

from __future__ import annotations

import numpy as np
from lightkiln.priors.embedded.pictures import drawn_sentence, is_held_out
from lightkiln.priors.embedded.sentence import Sentence
from lightkiln.priors.embedded.vocabulary import RELATIONS

SEED = 2026
NUM_ALONE = 10
NUM_PAIRS = {"on": 8, "beside": 8, "inside": 7, "with": 7}
"""Together forty."""


def held_out() -> list[Sentence]:
    """In a fixed order: those of one thing first, then by relation."""
    draw = np.random.default_rng(SEED)
    wanted = {"": NUM_ALONE, **NUM_PAIRS}
    chosen: dict[str, list[Sentence]] = {relation: [] for relation in ("", *RELATIONS)}
    while any(len(chosen[relation]) < count for relation, count in wanted.items()):
        sentence = drawn_sentence(draw)
        found = chosen[sentence.relation]
        if is_held_out(sentence) and len(found) < wanted[sentence.relation]:
            found.append(sentence)
    return [sentence for relation in wanted for sentence in chosen[relation]]
