# SPDX-License-Identifier: GPL-3.0-or-later
"""A small network that names what four pictures of a scene show: a judge of generated meshes.

It stands in for CLIP's R-precision: the vocabulary is known, so it can be asked for each word. It
is trained apart from the prior, on other renderings of the built-in world (blurred and recoloured a
little, as generated meshes are), and what it says of true scenes is reported beside what it says of
generated ones. It must not know how meshes are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lightkiln.priors.embedded.manifest import STYLES
from lightkiln.priors.embedded.pictures import drawn_sentence
from lightkiln.priors.embedded.renders import render
from lightkiln.priors.embedded.scenery import arranged
from lightkiln.priors.embedded.sentence import Sentence
from lightkiln.priors.embedded.slots import COUNTS, numbers
from lightkiln.priors.embedded.vocabulary import COLORS, MATERIALS, RELATIONS, SHAPES
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

AZIMUTHS = (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi)
ELEVATION = 0.35
"""Of the four cameras, radians."""
STEPS, BATCH, RATE, SEED = 1600, 24, 2e-3, 77
BLUR, SHIFT, NOISE = 1.5, 0.08, 0.02
"""Pixels; sRGB values: how far training pictures may be off."""
HEADS = tuple(count + 1 for count in (*COUNTS[:3], *COUNTS[:3], COUNTS[-1]))
"""Answers for each thing's shape, colour and material, and for the relation; 0: none."""


@dataclass(frozen=True, slots=True)
class Named:
    """What the judge saw."""

    shapes: tuple[str, ...]
    colors: tuple[str, ...]
    materials: tuple[str, ...]
    relation: str

    def is_right(self, sentence: Sentence) -> tuple[bool, bool]:
        """Whether shape and colour of every named thing, and the relation, are the prompt's."""
        shapes = tuple(thing.shape for thing in sentence.things)
        colors = tuple(thing.color for thing in sentence.things)
        return (self.shapes, self.colors) == (shapes, colors), self.relation == sentence.relation


class Judge(nn.Module):
    """Four RGBA pictures in a row of channels, to a row of answers."""

    def __init__(self) -> None:
        super().__init__()
        widths = (64, 96, 128, 192)
        layers: list[nn.Module] = [nn.Conv2d(16, widths[0], 4, stride=4), nn.SiLU()]
        for ins, outs in pairwise(widths):
            layers += [nn.Conv2d(ins, outs, 3, padding=1), nn.GroupNorm(8, outs), nn.SiLU()]
            layers += [nn.Conv2d(outs, outs, 3, padding=1, stride=2), nn.SiLU()]
        self.seen = nn.Sequential(*layers, nn.Flatten(), nn.Linear(192 * 4, 256), nn.SiLU())
        self.heads = nn.ModuleList([nn.Linear(256, count) for count in HEADS])

    def forward(self, pictures: Float[Tensor, "b 16 h w"]) -> list[Tensor]:
        seen = self.seen(pictures)
        return [head(seen) for head in self.heads]

    @torch.no_grad()
    def named(self, four: NDArray[Any]) -> Named:
        """What four pictures (4, size, size, 4), RGB times alpha and alpha in [0, 1], show."""
        said = [int(answer.argmax()) - 1 for answer in self(_stacked(four[None]))]
        things = [said[:3], said[3:6]]
        there = [
            (SHAPES[s], COLORS[max(c, 0)], MATERIALS[max(m, 0)]) for s, c, m in things if s >= 0
        ]
        shapes, colors, materials = zip(*there, strict=True) if there else ((), (), ())
        relation = RELATIONS[said[6]] if said[6] >= 0 else ""
        return Named(shapes, colors, materials, relation)


def four_views(sentence: Sentence, draw: np.random.Generator | None = None) -> NDArray[Any]:
    """True pictures (4, size, size, 4) in [0, 1], unlit."""
    scenery = arranged(sentence, draw)
    shown = [render(scenery, azimuth, ELEVATION, STYLES[0]) for azimuth in AZIMUTHS]
    return np.stack(shown).astype(np.float32) / 255.0


def judge(path: Path) -> Judge:
    """The judge that lies there, or a new one that is left there."""
    made = Judge()
    if path.exists():
        made.load_state_dict(torch.load(path, weights_only=True))
    else:
        _teach(made)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(made.state_dict(), path)
    return made.eval()


def _teach(network: Judge) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for step in range(STEPS):
        draw = np.random.default_rng((SEED, step))
        sentences = [drawn_sentence(draw) for _ in range(BATCH)]
        shown = np.stack([_worn(four_views(sentence, draw), draw) for sentence in sentences])
        answers = network(_stacked(shown))
        loss = torch.stack(
            [cross_entropy(a, t) for a, t in zip(answers, _truths(sentences), strict=True)]
        ).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        falling.step()


def _worn(four: NDArray[Any], draw: np.random.Generator) -> NDArray[Any]:
    """Blurred and recoloured a little, all four alike."""
    sigma = draw.uniform(0.0, BLUR)
    soft = gaussian_filter(four, (0.0, sigma, sigma, 0.0))
    soft[..., :3] += soft[..., 3:] * draw.uniform(-SHIFT, SHIFT, 3)
    soft += draw.normal(0.0, NOISE, soft.shape)
    return np.asarray(np.clip(soft, 0.0, 1.0), dtype=np.float32)


def _truths(sentences: list[Sentence]) -> list[Tensor]:
    things, relation = (torch.from_numpy(each) for each in numbers(sentences))
    slots = [things[:, place, slot] for place in range(2) for slot in range(3)]
    return [*slots, relation]


def _stacked(pictures: NDArray[Any]) -> Float[Tensor, "b 16 h w"]:
    """(b, 4, h, w, 4) with the views' channels in a row."""
    b, views, h, w, c = pictures.shape
    moved = np.ascontiguousarray(np.moveaxis(pictures, 4, 2), dtype=np.float32)
    return torch.from_numpy(moved.reshape(b, views * c, h, w))
