# SPDX-License-Identifier: GPL-3.0-or-later
"""Endless pictures of the built-in world, and what each shows, by a seed.

Combinations that `is_held_out` names never come: prompts of them measure what was understood rather
than remembered. It must not know networks.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import renders
from .manifest import HIGH, LOW, SIZE, STYLES
from .scenery import arranged
from .sentence import Sentence, Thing
from .slots import numbers
from .vocabulary import COLORS, CONTAINERS, MATERIALS, RELATIONS, SHAPES, SIZES

ALONE = 0.3
"""Of the sentences, those with one thing."""
PLAIN = 0.4
"""Of the things, those without a pattern, and of those of medium size."""
STYLE_SHARES = (0.4, 0.25, 0.35)
"""Of `manifest.STYLES`."""
HELD_OUT_OF = 12
"""One combination in so many is held out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """Pictures and what they show, as numbers for the network."""

    pictures: NDArray[Any]
    """(n, size, size, 4) uint8"""
    things: NDArray[Any]
    """(n, things, slots) int64; 0: nothing."""
    relation: NDArray[Any]
    """(n,) int64; 0: none."""
    camera: NDArray[Any]
    """(n, 3) float32: the unit vector to the camera."""
    style: NDArray[Any]
    """(n,) int64"""


def is_held_out(sentence: Sentence) -> bool:
    """Whether a colour and shape, or shapes and relation, of it are never shown."""
    pairs = [f"{thing.color} {thing.shape}" for thing in sentence.things]
    if sentence.second is not None:
        pairs.append(f"{sentence.first.shape} {sentence.relation} {sentence.second.shape}")
    return any(zlib.crc32(pair.encode()) % HELD_OUT_OF == 0 for pair in pairs)


def drawn_sentence(draw: np.random.Generator) -> Sentence:
    """A sentence, held out or not."""
    first = _drawn_thing(draw, SHAPES)
    if draw.random() < ALONE:
        return Sentence(first=first)
    relation = str(draw.choice(RELATIONS))
    second = _drawn_thing(draw, CONTAINERS if relation == "inside" else SHAPES)
    return Sentence(first=first, relation=relation, second=second)


def taught_sentence(draw: np.random.Generator) -> Sentence:
    """A sentence that may be shown."""
    while is_held_out(sentence := drawn_sentence(draw)):
        pass
    return sentence


def unseen_sentence(draw: np.random.Generator) -> Sentence:
    """A sentence that is never shown."""
    while not is_held_out(sentence := drawn_sentence(draw)):
        pass
    return sentence


def drawn(
    seed: tuple[int, ...],
    count: int,
    size: int = SIZE,
    sentences_by: Callable[[np.random.Generator], Sentence] = taught_sentence,
) -> Shown:
    """So many pictures, the same for the same seed."""
    draw = np.random.default_rng(seed)
    pictures = np.empty((count, size, size, 4), dtype=np.uint8)
    sentences, cameras, styles = [], [], []
    for index in range(count):
        sentence = sentences_by(draw)
        azimuth, elevation = draw.uniform(0.0, 2.0 * np.pi), draw.uniform(LOW, HIGH)
        style = int(draw.choice(len(STYLES), p=STYLE_SHARES))
        scenery = arranged(sentence, draw)
        pictures[index] = renders.render(scenery, azimuth, elevation, STYLES[style], size)
        sentences.append(sentence)
        cameras.append(renders.camera_axes(azimuth, elevation)[2])
        styles.append(style)
    things, relation = numbers(sentences)
    return Shown(
        pictures=pictures,
        things=things,
        relation=relation,
        camera=np.array(cameras, dtype=np.float32),
        style=np.array(styles, dtype=np.int64),
    )


def _drawn_thing(draw: np.random.Generator, shapes: tuple[str, ...]) -> Thing:
    plain, medium = draw.random() < PLAIN, draw.random() < PLAIN
    return Thing(
        shape=str(draw.choice(shapes)),
        color=str(draw.choice(COLORS)),
        material="plain" if plain else str(draw.choice(MATERIALS)),
        size="medium" if medium else str(draw.choice(SIZES)),
    )
