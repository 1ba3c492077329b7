# SPDX-License-Identifier: GPL-3.0-or-later
"""What weights in fewer bits cost: each method's first figure on the test things, before and after.

It must not know pages.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from lightkiln.learned import catalogue, weights
from lightkiln.learned.light import Bits
from lightkiln.learned.world.plan import Split

CPU = torch.device("cpu")
METHODS = tuple(name for name in catalogue.LEARNERS if name != "prior")


def measured(world: Path) -> dict[str, str]:
    """`table`: a row for each method."""
    return {"table": "\n".join(_row(name, world) for name in METHODS)}


def _row(name: str, world: Path) -> str:
    own = catalogue.own_weights(name)
    about = weights.about(own, name)
    lesson, _ = catalogue.lesson_of(name, world, Split.TEST, about.size)
    network, found = lesson.network(), []
    with tempfile.TemporaryDirectory() as folder:
        for bits in Bits:
            path = Path(folder) / f"{bits}.safetensors"
            weights.lighten(own, about, path, bits)
            weights.load_into(network, path, CPU)
            figures = lesson.judged(network, dict(about.figures))
            measure, value = next(iter(figures.items()))
            found.append(f"{value:.4f} ({path.stat().st_size / 1e6:.2f} MB)")
    return f"| `{name}` | {measure} | {' | '.join(found)} |"
