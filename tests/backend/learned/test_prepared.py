# SPDX-License-Identifier: GPL-3.0-or-later
"""Any photograph as the picture networks see it, or a sentence that says why not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from lightkiln.learned.pictures import augmented
from lightkiln.learned.pictures.prepared import prepared, window
from lightkiln_shared.errors import InvalidScene


def a_disc(size: int, alpha: bool) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] + 0.5
    inside = np.hypot(rows - 0.4 * size, columns - 0.6 * size) < 0.25 * size
    image = np.where(inside[..., None], np.uint8([200, 40, 40]), np.uint8([230, 235, 230]))
    full = np.where(inside, 255, 0) if alpha else np.full((size, size), 255)
    return np.concatenate([image, full[..., None].astype(np.uint8)], axis=2)


def test_any_kind_of_picture_becomes_the_same_input() -> None:
    image = a_disc(256, alpha=True)
    expected = prepared(image)
    assert expected.shape == (4, 64, 64)
    assert window(image[..., 3])[2] == pytest.approx(128 / 0.8, abs=2.0)
    for other in (
        image.astype(np.uint16) * 257,
        image.astype(np.float32) / 255.0,
        a_disc(256, alpha=False),
        a_disc(256, alpha=False)[..., :3],
        cv2.resize(image, (2048, 2048), interpolation=cv2.INTER_NEAREST),
        np.pad(image, ((100, 0), (0, 300), (0, 0))),
    ):
        assert np.abs(prepared(other) - expected).mean() < 0.01
    assert np.abs(prepared(a_disc(12, alpha=True)) - expected).mean() < 0.1
    grey = prepared(a_disc(256, alpha=False)[..., 1] // 2)
    assert np.abs(grey[3] - expected[3]).mean() < 0.01
    np.testing.assert_array_equal(grey[0], grey[1])


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((64, 64, 4), np.uint8), "Nothing stands out"),
        (np.full((64, 64, 4), 255, np.uint8), "Nothing stands out"),
        (np.full((64, 64), 7, np.uint8), "Nothing stands out"),
        (noise(), "does not stand out"),
        (np.dstack([noise(), np.full((64, 64), 254, np.uint8)]), "does not stand out"),
        (
            np.dstack([noise(), np.where(np.eye(64, dtype=bool), 100, 200).astype(np.uint8)]),
            "fills the whole",
        ),
        (np.zeros((4, 500, 3), np.uint8), "too small"),
    ],
)
def test_a_picture_without_an_object_is_refused(image: np.ndarray, sentence: str) -> None:
    with pytest.raises(InvalidScene, match=sentence) as caught:
        prepared(image)
    assert caught.value.hint


def test_pictures_are_varied_within_reason() -> None:
    draw = np.random.default_rng(0)
    pictures = torch.from_numpy(np.stack([prepared(a_disc(64, alpha=True))] * 40))
    varied = augmented.recolored(pictures, augmented.gains(40, draw), draw)
    assert float((varied[:, :3] - pictures[:, :3]).abs().amax()) > 0.05
    assert bool((varied[:, :3] <= varied[:, 3:]).all())
    torch.testing.assert_close(varied[:, 3], pictures[:, 3])
    covered = augmented.hidden(varied, draw)
    changed = (covered != varied).flatten(1).any(dim=1).float().mean()
    assert 0.02 < float(changed) < 0.5
    whole = np.tile([32.0, 32.0, 64.0], (40, 1))
    torch.testing.assert_close(augmented.seen_through(pictures, whole), pictures)
