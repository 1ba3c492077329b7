# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS where it can be had, and a reason where it cannot."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from lightkiln.metrics import lpips as measured
from lightkiln.metrics.lpips import LIBRARIES, WEIGHTS, hindrance, lpips


def test_without_weights_the_reason_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    said = hindrance()
    assert any(name in said for name in (*LIBRARIES, WEIGHTS))
    assert not said.endswith(".")


def test_more_noise_is_farther_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With made-up weights of the right shapes: where they lie and how they are used is ours."""
    pytest.importorskip("torchmetrics")
    try:
        models = importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:  # there is one for each version of torch
        pytest.skip(str(error))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    measured._network.cache_clear()
    path = tmp_path / "hub" / "checkpoints" / WEIGHTS
    path.parent.mkdir(parents=True)
    torch.save(models.alexnet(weights=None).state_dict(), path)
    assert hindrance() == ""
    draw = np.random.default_rng(0)
    truth, noise = draw.random((64, 64, 3)), draw.normal(size=(64, 64, 3))
    near, far = (np.clip(truth + scale * noise, 0.0, 1.0) for scale in (0.02, 0.3))
    assert lpips(truth, truth) == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < lpips(near, truth) < lpips(far, truth)
    measured._network.cache_clear()
