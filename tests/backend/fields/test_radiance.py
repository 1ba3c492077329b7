# SPDX-License-Identifier: GPL-3.0-or-later
"""What rays see of radiance fields whose densities are known."""

from __future__ import annotations

import math

import pytest
import torch
from lightkiln.fields.hash_radiance import Design, HashRadiance, contract
from lightkiln.fields.nerf import Design as NerfDesign
from lightkiln.fields.nerf import NeRF
from lightkiln.fields.radiance_render import Bundle, SparseRadiance


def a_bundle(offset: float) -> Bundle:
    """Rays along z past the middle at a distance."""
    origins = torch.tensor([[offset, 0.0, -3.0]]).repeat(4, 1)
    directions = torch.tensor([[0.0, 0.0, 1.0]]).repeat(4, 1)
    return Bundle(origins=origins, directions=directions, jitter=torch.tensor([0.0, 0.3, 0.6, 0.9]))


def a_hash_field() -> HashRadiance:
    design = Design(
        num_levels=4, coarsest=4, finest=32, log2_size=12, num_features=2, width=16, world=False
    )
    return HashRadiance(design, 0)


def constant(linear: torch.nn.Linear, value: float) -> None:
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(value)


@pytest.mark.parametrize("learning", [False, True])
def test_a_foggy_ball_dims_light_by_its_chord(learning: bool) -> None:
    field = a_hash_field()
    constant(field._density[-1], math.log(0.8))
    radiance = SparseRadiance(field, torch.ones((16, 16, 16), dtype=torch.bool), 800, 0)
    for offset in (0.0, 0.6):
        (seen,) = radiance.look(a_bundle(offset), learning)
        chord = 2.0 * math.sqrt(1.0 - offset**2)
        expected = torch.full((4,), math.exp(-0.8 * chord))
        torch.testing.assert_close(seen.left, expected, rtol=0.01, atol=0.0)


def test_a_nerf_in_fog_dims_light_by_its_chord_and_shows_its_color() -> None:
    design = NerfDesign(
        width=16, depth=3, skip=1, octaves=3, view_octaves=1, coarse=64, fine=64, world=False
    )
    nerf = NeRF(design, 0)
    for network in (nerf.coarse, nerf.fine):
        constant(network._density, math.log(math.expm1(0.8)))  # softplus' inverse
        constant(network._color[2], 0.0)
    for seen in nerf.look(a_bundle(0.6), learning=True):
        expected = torch.full((4,), math.exp(-0.8 * 1.6))
        torch.testing.assert_close(seen.left, expected, rtol=0.03, atol=0.0)
        torch.testing.assert_close(seen.color, 0.5 * (1.0 - seen.left)[:, None].expand(4, 3))


def test_with_a_world_beyond_every_ray_ends_somewhere() -> None:
    design = NerfDesign(
        width=16, depth=2, skip=0, octaves=2, view_octaves=1, coarse=16, fine=8, world=True
    )
    nerf = NeRF(design, 0)
    for seen in nerf.look(a_bundle(5.0), learning=True):
        assert (seen.left < 1e-6).all()


def test_contracted_space_ends_at_two_and_keeps_the_ball() -> None:
    inside = torch.tensor([[0.3, -0.5, 0.2]])
    torch.testing.assert_close(contract(inside), inside)
    far = contract(torch.tensor([[0.0, 0.0, 4.0], [1e6, 0.0, 0.0]]))
    torch.testing.assert_close(far, torch.tensor([[0.0, 0.0, 1.75], [2.0, 0.0, 0.0]]))
