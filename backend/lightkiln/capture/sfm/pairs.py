# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photographs are worth comparing: all pairs of a few, neighbours of a film, and of many
those that a quick look finds alike.

The quick look is preemptive matching (Wu, "Towards linear-time incremental structure from motion",
2013): features of the largest scale alone, which are found again from afar, are compared for all
pairs; each photograph is then matched in full with those that share most of them.
It must not know geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.capture.colmap_library import pycolmap

from .features import Pair

FEW = 40
"""Photographs of which all pairs are matched: 780 pairs."""
NEIGHBOURS = 20
"""Photographs that each of many is matched with, at least where so many are alike."""
NEXT = 3
"""Photographs that follow each one in their order, and are matched with it anyway."""
LARGEST = 800
"""Features that the quick look compares."""
RATIO = 0.85
"""Lowe's test, of distances; a little more generous than when it counts."""


def in_order(count: int, overlap: int = 10) -> list[Pair]:
    """Each with its next ones and, as a film may come round, with those at powers of two."""
    steps = {*range(1, overlap + 1), *(2**k for k in range(4, 12))}
    return sorted((i, i + step) for i in range(count) for step in steps if i + step < count)


def alike(database: pycolmap.Database, files: Sequence[str]) -> list[Pair]:
    """All pairs of a few, of many those that a quick look finds alike."""
    everything = list(combinations(range(len(files)), 2))
    if len(files) <= FEW:
        return everything
    features = [_largest(database, file) for file in files]
    votes = np.zeros((len(files), len(files)), dtype=np.int32)
    for i, j in everything:
        votes[i, j] = votes[j, i] = _num_common(features[i], features[j])
    chosen = np.zeros_like(votes, dtype=bool)
    best = np.argsort(-votes, axis=1, kind="stable")[:, :NEIGHBOURS]
    np.put_along_axis(chosen, best, True, axis=1)
    chosen &= votes > 0
    return [(i, j) for i, j in everything if chosen[i, j] or chosen[j, i] or j - i <= NEXT]


def _largest(database: pycolmap.Database, file: str) -> NDArray[Any]:
    """Unit descriptors (n, 128) of the features with the largest scale."""
    image = database.read_image_with_name(file)
    if image is None or database.num_keypoints_for_image(image.image_id) == 0:
        return np.zeros((0, 128), dtype=np.float32)
    keypoints = database.read_keypoints(image.image_id)
    scale = (
        np.hypot(keypoints[:, 2], keypoints[:, 4]) if keypoints.shape[1] > 4 else keypoints[:, 2]
    )
    order = np.argsort(-scale, kind="stable")[:LARGEST]
    data = database.read_descriptors(image.image_id).data[order].astype(np.float32)
    return np.asarray(data / np.linalg.norm(data, axis=1, keepdims=True).clip(1.0))  # bytes: >= 1


def _num_common(first: NDArray[Any], second: NDArray[Any]) -> int:
    """Features of the first that pass Lowe's test and are chosen in return."""
    if min(len(first), len(second)) < 2:
        return 0
    cosine = first @ second.T
    best = cosine.argmax(axis=1)
    two = np.partition(cosine, -2, axis=1)[:, -2:]
    distance = 2.0 - 2.0 * two  # of unit vectors, squared
    clear = distance[:, 1] < RATIO**2 * distance[:, 0]
    mutual = cosine.argmax(axis=0)[best] == np.arange(len(first))
    return int((clear & mutual).sum())
