# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photographs are compared: few enough to be matched in minutes, and enough that none falls
out of the scene. COLMAP's own database, filled with features as if a ring had been photographed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkiln.capture.colmap_library import pycolmap
from lightkiln.capture.sfm import pairs
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

COUNT = 90
SEEN, STEP = 96, 8
"""Features of a photograph, and how many its neighbour on the ring has instead of them: those that
are less than twelve places apart have some in common."""


def num_parts(count: int, chosen: Iterable[tuple[int, int]]) -> int:
    """Of the graph whose edges are the pairs."""
    first, second = np.array(list(chosen)).T
    edges = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    return int(connected_components(edges, directed=False)[0])


def descriptors(place: int) -> NDArray[Any]:
    """(SEEN, 128) bytes: what stands before a camera at a place of the ring, each time a little
    different, as in photographs."""
    around = np.random.default_rng(0).integers(0, 80, (COUNT * STEP, 128))
    seen = around[(place * STEP + np.arange(SEEN)) % len(around)]
    noise = np.random.default_rng(place + 1).integers(-3, 4, seen.shape)
    return np.asarray((seen + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, NDArray[Any]]]:
    """The database, and at which place of the ring each photograph was taken: in no order."""
    places = np.random.default_rng(1).permutation(COUNT)
    database = pycolmap.Database.open(str(tmp_path_factory.mktemp("ring") / "database.db"))
    camera = pycolmap.Camera.create_from_model_name(1, "SIMPLE_RADIAL", 300.0, 320, 240)
    database.write_camera(camera, use_camera_id=True)
    for index, place in enumerate(places):
        number = database.write_image(pycolmap.Image(name=f"{index:02}.jpg", camera_id=1))
        keypoints = np.full((SEEN, 4), 2.0, dtype=np.float32)
        database.write_keypoints(number, keypoints)
        kind = pycolmap.FeatureExtractorType.SIFT
        database.write_descriptors(
            number, pycolmap.FeatureDescriptors(kind, descriptors(int(place)))
        )
    yield database, places
    database.close()


def test_of_many_those_alike_are_compared_and_all_hang_together(
    ring: tuple[Any, NDArray[Any]],
) -> None:
    database, places = ring
    assert COUNT > pairs.FEW
    chosen = pairs.alike(database, [f"{index:02}.jpg" for index in range(COUNT)])
    assert len(chosen) == len(set(chosen))
    assert len(chosen) <= COUNT * (pairs.NEIGHBOURS + pairs.NEXT) < COUNT * (COUNT - 1) / 2
    assert num_parts(COUNT, [(i, j) for i, j in chosen if j - i > pairs.NEXT]) == 1
    place_of = dict(zip(places, range(COUNT), strict=True))
    for place in range(COUNT):  # those that share the most, wherever they stand in the order
        for other in (place + 1, place + 5):
            both = sorted((place_of[place], place_of[other % COUNT]))
            assert tuple(both) in set(chosen)


def test_of_few_all_are_compared(ring: tuple[Any, NDArray[Any]]) -> None:
    files = [f"{index:02}.jpg" for index in range(pairs.FEW)]
    assert len(pairs.alike(ring[0], files)) == pairs.FEW * (pairs.FEW - 1) // 2


@given(count=st.integers(2, 400), overlap=st.integers(1, 20))
def test_of_a_film_neighbours_are_compared_and_all_hang_together(count: int, overlap: int) -> None:
    chosen = pairs.in_order(count, overlap)
    assert len(chosen) == len(set(chosen)) <= count * (overlap + 8)
    assert all(0 <= i < j < count for i, j in chosen)
    assert num_parts(count, chosen) == 1
    near = {(i, j) for i in range(count) for j in range(i + 1, min(i + overlap + 1, count))}
    assert near <= set(chosen)
