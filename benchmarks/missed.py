# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the built-in prior's answers are from the pictures, by how noisy these are.

Mean squares in units of [-1, 1], of pictures as it is taught with and of combinations that it was
never shown. It must not know meshes.
"""

from __future__ import annotations

from lightkiln.learned.prior.lesson import INSTANTS, missed_at
from lightkiln.priors.embedded.pictures import drawn, taught_sentence, unseen_sentence
from lightkiln.priors.embedded.prior import taught_network

COUNT = 192
KINDS = {"taught": ((77, 1), taught_sentence), "never shown": ((77, 2), unseen_sentence)}
"""By what is shown: a seed, and what draws its sentences."""


def all_missed() -> dict[str, list[float]]:
    """By what is shown: the mean squares at `INSTANTS`."""
    network = taught_network().eval()
    found = {}
    for name, (seed, sentences) in KINDS.items():
        shown = drawn(seed, COUNT, sentences_by=sentences)
        found[name] = [round(missed_at(t, network, shown), 4) for t in INSTANTS]
    return found
