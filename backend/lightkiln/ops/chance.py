# SPDX-License-Identifier: GPL-3.0-or-later
"""Chance that can be had again: the same for the same key, in every process and for every device.

It must not know what is drawn.
"""

from __future__ import annotations

import numpy as np
import torch


def generator_of(*key: int) -> torch.Generator:
    """Of a key such as (seed, step); it draws on the processor, so that devices see the same."""
    return torch.Generator().manual_seed(seed_of(*key))


def seed_of(*key: int) -> int:
    """One number of several."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])
