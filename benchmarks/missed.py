# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the built-in prior's answers are from the pictures, by how noisy these are.

Mean squares in units of [-1, 1], of pictures as it is taught with and of combinations that it was
never shown. It must not know meshes.
"""

from __future__ import annotations

import numpy as np
import torch
from lightkiln.priors.embedded.pictures import (
    Shown,
    drawn,
    taught_sentence,
    unseen_sentence,
)
from lightkiln.priors.embedded.prior import WEIGHTS, new_network
from lightkiln.priors.schedule import cosine, noisy
from safetensors.torch import load_file

COUNT, CHUNK = 192, 32
SEEDS = (77, 1), (77, 2)
INSTANTS = (1.0, 0.8, 0.5)
"""t: nothing but noise; mostly noise; half."""


def missed() -> dict[str, list[float]]:
    """By what is shown: the mean squares at `INSTANTS`."""
    network = new_network().eval()
    network.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    kinds = {"taught": taught_sentence, "never shown": unseen_sentence}
    found = {}
    for (name, sentences), seed in zip(kinds.items(), SEEDS, strict=True):
        shown = drawn(seed, COUNT, sentences_by=sentences)
        found[name] = [round(_missed(network, shown, t), 4) for t in INSTANTS]
    return found


@torch.no_grad()
def _missed(network: torch.nn.Module, shown: Shown, t: float) -> float:
    clean = torch.from_numpy(shown.pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    draw, squares = torch.Generator().manual_seed(0), []
    for start in range(0, COUNT, CHUNK):
        part = slice(start, start + CHUNK)
        told = (shown.things, shown.relation, shown.camera, shown.style)
        said = network.tell(*(torch.from_numpy(each[part]) for each in told))
        instants = torch.full((CHUNK,), t)
        noise = torch.randn(clean[part].shape, generator=draw)
        answer = network(noisy(clean[part], noise, cosine(instants)), instants, said)
        squares.append(float((answer - clean[part]).square().mean()))
    return float(np.mean(squares))
