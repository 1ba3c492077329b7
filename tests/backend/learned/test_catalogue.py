# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is taught: its own weights fit it, and several processes teach it as one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightkiln.learned import catalogue, weights
from lightkiln.learned.world.plan import Plan
from lightkiln.learned.world.samples import Amounts
from lightkiln.learned.world.shards import make
from lightkiln_shared.errors import UnknownMethod, UserError
from safetensors.torch import load_file

MOST_BYTES = 12_000_000
SECONDS = 200.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    amounts = Amounts(views=2, pixels=16, places=256, surface=64)
    make(folder, Plan(families=("table", "mug"), count=10, amounts=amounts), lambda *_: None, 1)
    return folder


@pytest.mark.parametrize("name", catalogue.LEARNERS)
def test_its_own_weights_are_small_and_say_what_they_know(name: str) -> None:
    path = catalogue.own_weights(name)
    assert path.stat().st_size <= MOST_BYTES
    assert weights.about(path, name).world


@pytest.mark.parametrize("name", [n for n, each in catalogue.LEARNERS.items() if each.own_data])
def test_what_draws_its_own_data_has_a_lesson_that_fits_its_weights(name: str) -> None:
    lesson, about = catalogue.lesson_of(name, None)
    weights.load_into(lesson.network(), catalogue.own_weights(name), torch.device("cpu"))
    assert about.method == name


def test_what_is_missing_is_told() -> None:
    with pytest.raises(UnknownMethod, match="no learned method 'kiln'"):
        catalogue.learner("kiln")
    with pytest.raises(UserError, match="learns from a dataset"):
        catalogue.lesson_of("pifu", None)


def test_two_processes_that_take_turns_stay_one(dataset: Path, tmp_path: Path) -> None:
    """The GAN: whether its discriminator learns depends on how right it was, on both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "lightkiln", "train", "gan3d", str(dataset), "--steps", "12"]
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    common |= {"MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [*words, "--batch", "4", "-o", str(tmp_path / "taught")],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=SECONDS) for process in processes] == [0, 0]
    state = load_file(tmp_path / "taught" / "state.safetensors")
    assert int(state["place"][0]) == 12
    assert all(bool(torch.isfinite(each.float()).all()) for each in state.values())
