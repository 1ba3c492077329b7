# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the built-in prior's answers are from the pictures, by how noisy these are.

Mean squares in units of [-1, 1], of pictures as it is taught with and of combinations that it was
never shown. It must not know meshes.
"""

from __future__ import annotations

import numpy as np
import torch
from lightkiln.priors.embedded.network import Network
from lightkiln.priors.embedded.pictures import Shown, drawn, taught_sentence, unseen_sentence
from lightkiln.priors.embedded.prior import taught_network
from lightkiln.priors.embedded.training import missed, signed
from lightkiln.priors.schedule import cosine, noisy

COUNT, CHUNK = 192, 32
KINDS = {"taught": ((77, 1), taught_sentence), "never shown": ((77, 2), unseen_sentence)}
"""By what is shown: a seed, and what draws its sentences."""
INSTANTS = (1.0, 0.8, 0.5)
"""t: nothing but noise; mostly noise; half."""


def all_missed() -> dict[str, list[float]]:
    """By what is shown: the mean squares at `INSTANTS`."""
    network = taught_network().eval()
    found = {}
    for name, (seed, sentences) in KINDS.items():
        shown = drawn(seed, COUNT, sentences_by=sentences)
        found[name] = [round(_missed_at(t, network, shown), 4) for t in INSTANTS]
    return found


@torch.no_grad()
def _missed_at(t: float, network: Network, shown: Shown) -> float:
    clean, told = signed(shown.pictures), (shown.things, shown.relation, shown.camera, shown.style)
    draw, squares = torch.Generator().manual_seed(0), []
    for start in range(0, COUNT, CHUNK):
        part = slice(start, start + CHUNK)
        meant = network.tell(*(torch.from_numpy(each[part]) for each in told))
        instants = torch.full((CHUNK,), t)
        noise = torch.randn(clean[part].shape, generator=draw)
        said = network(noisy(clean[part], noise, cosine(instants)), instants, meant)
        squares += missed(said, clean[part]).tolist()
    return float(np.mean(squares))
