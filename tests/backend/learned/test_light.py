# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in fewer bits: bounds in closed form, and what the shipped networks lose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightkiln.cli import app
from lightkiln.learned import weights
from lightkiln.learned.catalogue import own_weights
from lightkiln.learned.light import LEVELS, Bits, given_back, lightened, quantised, restored
from lightkiln.learned.voxels.autoencoding import reconstructed
from lightkiln.learned.voxels.network import SIDE, VoxelAutoencoder
from lightkiln.learned.voxels.shipped import VAE, vae
from lightkiln.learned.world.samples import voxels
from lightkiln.learned.world.things import thing
from lightkiln.metrics.voxels import iou
from typer.testing import CliRunner


@pytest.mark.parametrize("shape", [(7, 30), (4, 3, 3, 3, 3)])
def test_a_number_is_off_by_half_a_step_of_its_row_at_most(shape: tuple[int, ...]) -> None:
    w = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    w[1] = 0.0
    whole, scale = quantised(w)
    assert whole.dtype == torch.int8
    off = (given_back(whole, scale) - w).abs().flatten(1).amax(dim=1)
    assert (off <= 0.5 * scale * (1.0 + 1e-5)).all()
    largest = w.flatten(1).abs().amax(dim=1)
    torch.testing.assert_close(scale[2:], largest[2:] / LEVELS)
    assert (given_back(whole, scale)[1] == 0.0).all()


@pytest.mark.parametrize("bits", Bits)
def test_a_state_comes_back_under_its_names(bits: Bits) -> None:
    state = vae()[0].state_dict()
    back = restored(lightened(state, bits))
    assert back.keys() == state.keys()
    for name, value in state.items():
        assert back[name].shape == value.shape
        assert (back[name] - value).abs().max() <= 0.01 * value.abs().max()


@pytest.mark.parametrize(("bits", "share"), [(Bits.BFLOAT16, 1.01), (Bits.INT8, 0.6)])
def test_the_shipped_vae_is_as_good_in_fewer_bits(bits: Bits, share: float, tmp_path: Path) -> None:
    network, about = vae()
    path = tmp_path / "light.safetensors"
    weights.save(network, about, path, bits)
    assert path.stat().st_size <= share * own_weights(VAE).stat().st_size
    light, _ = weights.opened(VoxelAutoencoder, VAE, str(path), path, torch.device("cpu"))
    truth = np.stack([voxels(thing(name, 1000), SIDE) for name in ("chair", "sofa", "car", "lamp")])
    before, after = (reconstructed(each, truth) > 0.0 for each in (network, light))
    assert iou(before, truth).mean() - iou(after, truth).mean() < 0.01
    assert iou(before, after).mean() > 0.97


def test_it_is_typed(tmp_path: Path) -> None:
    out = tmp_path / "light.safetensors"
    answer = CliRunner().invoke(app, ["lighten", "pifu", "-o", str(out)])
    assert answer.exit_code == 0, answer.output
    assert out.stat().st_size < 0.6 * own_weights("pifu").stat().st_size
    assert weights.about(out, "pifu") == weights.about(own_weights("pifu"), "pifu")
