# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved state is believed if it is whole; otherwise the one before it is."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from lightkiln.jobs import checkpoints


def save(folder: Path, count: int) -> None:
    state = {"count": np.array(count), "field": np.arange(500.0) + count}
    checkpoints.save(folder, state, elapsed=float(count))


def test_the_newest_state_is_found_and_two_are_kept(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path) is None
    for count in range(5):
        save(tmp_path, count)
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert (int(found.arrays["count"]), found.elapsed, found.torn) == (4, 4.0, 0)
    np.testing.assert_array_equal(found.arrays["field"], np.arange(500.0) + 4)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_torn_or_changed_state_is_passed_over_wherever_it_is_hurt(
    tmp_path: Path, suffix: str
) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2)
    newest = max(tmp_path.glob(f"*.{suffix}"))
    whole = newest.read_bytes()
    rng = random.Random(11)
    for _ in range(100):
        at = rng.randrange(len(whole))
        torn = whole[:at] if rng.random() < 0.5 else flipped(whole, at)
        newest.write_bytes(torn)
        found = checkpoints.load(tmp_path)
        assert found is not None
        assert int(found.arrays["count"]) in ((1,) if suffix == "npz" else (1, 2))
        np.testing.assert_array_equal(
            found.arrays["field"], np.arange(500.0) + found.arrays["count"]
        )


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def test_a_state_with_objects_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        checkpoints.save(tmp_path, {"x": np.array([object()])}, elapsed=0.0)
    assert checkpoints.load(tmp_path) is None


def test_a_failed_write_leaves_the_state_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, 2)
    monkeypatch.undo()
    found = checkpoints.load(tmp_path)
    assert found is not None
    assert int(found.arrays["count"]) == 1
