# SPDX-License-Identifier: GPL-3.0-or-later
"""Neural surfaces learn, fall back, go on and learn in several processes at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightkiln.fields.neural_surface import NeuralSurface
from lightkiln.testing import RADIUS, a_scene
from lightkiln.training.ball import ball_about
from lightkiln.training.hull_start import become, carved
from lightkiln.training.processes import Group
from lightkiln.training.surface_fit import KEPT_EVERY, FallenBack, SurfaceFit
from lightkiln.training.surface_schedule import Levels, cosine_rate, stairs_rate

from . import neural_scene

HERE = Path(__file__).parent
ALONE = Group(0, 1, torch.device("cpu"))


def a_fit(seed: int = 0) -> SurfaceFit:
    recipe = neural_scene.RECIPE
    surface = NeuralSurface(recipe.design, seed)
    return SurfaceFit(surface, neural_scene.photos(), recipe, seed, ALONE)


def test_rates_and_levels_are_the_papers() -> None:
    steps = 500_000
    assert [stairs_rate(step / steps) for step in (2500, 5000, 299_999, 300_000, 400_000)] == (
        pytest.approx([0.5, 1.0, 1.0, 0.1, 0.01])
    )
    assert [cosine_rate(step / 300_000) for step in (2500, 5000, 300_000)] == pytest.approx(
        [0.5, 1.0, 0.05]
    )
    powers = tuple(int(32 * 2 ** (6 * level / 15) + 1e-6) for level in range(16))
    levels = Levels(resolutions=powers, at_first=4, share=0.01, cells=1.0)
    assert [levels.active(step / steps) for step in (0, 24_999, 25_000, 80_000, steps)] == (
        [4, 4, 4, 15, 16]
    )
    assert levels.step(0.0) == 2.0 / 32
    assert levels.step(1.0) == 2.0 / 2048
    assert [levels.curvature(step / steps) for step in (0, 2500, 5000)] == [0.0, 0.5, 1.0]
    assert levels.curvature(1.0) == pytest.approx(1 / 64)


def test_it_learns() -> None:
    fit = a_fit()
    before = [fit.step(0.5).loss for _ in range(10)]
    for _ in range(60):
        after = fit.step(0.5).loss
    assert after < 0.9 * float(np.mean(before))


def test_a_saved_fit_goes_on_as_if_nothing_had_happened() -> None:
    one, other = a_fit(), a_fit(seed=0)
    for step in range(4):
        one.step(step / 20)
    other.restore(one.state())
    for step in range(4, 7):
        assert one.step(step / 20) == other.step(step / 20)


def test_a_step_that_is_no_number_is_taken_back_and_slower_after() -> None:
    fit = a_fit()
    for _ in range(KEPT_EVERY + 1):
        if fit.num_done == KEPT_EVERY - 1:
            kept = fit.state()
        fit.step(0.3)
    with torch.no_grad():
        next(fit.surface.sdf.parameters()).fill_(torch.nan)
    rate = fit.rate
    with pytest.raises(FallenBack):
        fit.step(0.3)
    now = fit.state()
    weights = [name for name in now if name.startswith("surface.")]
    assert all(np.array_equal(now[name], kept[name]) for name in weights)
    assert fit.num_done == KEPT_EVERY + 2
    fit.step(0.3)
    assert fit.rate == pytest.approx(rate / 2)


def test_a_network_becomes_the_hull_of_the_masks() -> None:
    inputs, ball = a_scene(), ball_about(a_scene().region)
    surface = NeuralSurface(replace(neural_scene.RECIPE.design, radius=0.2), 0)
    solid = carved(inputs)
    become(surface, solid, ball, range(200), 0)
    draw = np.random.default_rng(1).normal(size=(500, 3))
    x = 0.55 * draw / np.linalg.norm(draw, axis=1, keepdims=True)
    place = torch.from_numpy(ball.from_world(x).astype(np.float32))
    found = ball.radius * surface.distance(place).detach().numpy()
    error = np.abs(found - solid.at(x)).mean()
    assert error < 0.02
    assert np.abs(solid.at(x) - (0.55 - RADIUS)).mean() < 0.06


def test_two_processes_have_the_gradient_of_both_batches(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(HERE / "neural_scene.py"), str(tmp_path)],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=200) for process in processes] == [0, 0]
    found = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2)]
    for each in found:
        assert each.pop("heard").tolist() == [0, 1, 2]  # as many as the shortest has
        assert float(each.pop("first")) == 10.0
    halves = [
        neural_scene.gradient(neural_scene.an_objective(), neural_scene.a_batch(rank))
        for rank in range(2)
    ]
    assert set(found[0]) == set(halves[0])
    for name in found[0]:
        mean = (halves[0][name] + halves[1][name]) / 2
        np.testing.assert_allclose(found[0][name], mean, atol=1e-5, rtol=1e-3)
        np.testing.assert_array_equal(found[0][name], found[1][name])
