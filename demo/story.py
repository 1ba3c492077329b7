# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the demo left to tell. Standard library and numpy only: Blender writes it.

It rests as a folder: `story.json` and the pictures that it names. It must not know how it is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

FILE = "story.json"


@dataclass(frozen=True, kw_only=True)
class Still:
    """A preview: what the backend drew while it worked."""

    seconds: float
    """Since Reconstruct was pressed."""
    phase: str
    picture: str
    """File name in the story's folder."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One photograph, and the finished mesh from the same camera."""

    camera: str
    photograph: str
    coloured: str
    clay: str


@dataclass(kw_only=True)
class Story:
    """All that the report shows."""

    title: str
    method: str
    preset: str
    num_views: int
    num_vertices: int = 0
    num_triangles: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    times: list[tuple[str, float]] = field(default_factory=list)
    """What was done one after the other, seconds each."""
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By name: seconds since Reconstruct was pressed, value."""
    warnings: list[str] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)


def save(story: Story, folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(asdict(story), indent=1) + "\n")


def load(folder: Path) -> Story:
    values = json.loads((folder / FILE).read_text())
    stills = [Still(**still) for still in values.pop("stills")]
    sides = [Side(**side) for side in values.pop("sides")]
    return Story(**values, stills=stills, sides=sides)


def spread(stills: Iterable[Still], count: int) -> list[Still]:
    """At most `count` of them, the first and the last among them, evenly in time."""
    kept = sorted(stills, key=lambda still: still.seconds)
    if len(kept) <= count:
        return kept
    moments = np.linspace(kept[0].seconds, kept[-1].seconds, count)
    times = np.array([still.seconds for still in kept])
    return [kept[i] for i in np.unique(np.abs(times[None] - moments[:, None]).argmin(axis=1))]
