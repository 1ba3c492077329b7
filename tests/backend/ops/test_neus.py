# SPDX-License-Identifier: GPL-3.0-or-later
"""NeuS' and NeRF++'s formulae where the answer is known in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from lightkiln.ops.encodings import frequencies, harmonics
from lightkiln.ops.inverted_sphere import folded, outwards, unfolded
from lightkiln.ops.neus import falling_slope, finer, guessed_weights, passed_through
from lightkiln.ops.ray_samples import ball_span, evenly, inverse_cdf
from lightkiln.ops.surface_losses import mask_loss
from lightkiln.ops.volume_rendering import weights_of

WALL = 0.613
"""Where a ray meets the plane."""


def weights_of_a_wall(angle: float, sharpness: float) -> tuple[torch.Tensor, ...]:
    """Middles, weights and what is left of a ray that meets a plane at an angle to its normal."""
    t = torch.linspace(0.0, 1.2, 601, dtype=torch.float64)[None]
    middle, width = 0.5 * (t[:, 1:] + t[:, :-1]), t[:, 1:] - t[:, :-1]
    cosine = torch.full_like(middle, -math.cos(angle))
    distance = (WALL - middle) * math.cos(angle)
    slope = falling_slope(cosine, 1.0)
    weights, left = weights_of(passed_through(distance, slope, width, sharpness))
    return middle[0], weights[0], left[0]


@pytest.mark.parametrize("angle", [0.0, 0.6, 1.2])
def test_the_weights_of_a_wall_peak_at_the_wall_and_are_a_logistic_density(angle: float) -> None:
    middle, weights, left = weights_of_a_wall(angle, sharpness := 200.0)
    assert float(middle[weights.argmax()]) == pytest.approx(WALL, abs=0.003)
    assert float(weights.sum() + left) == pytest.approx(1.0, abs=1e-9)
    assert float(left) < 1e-6
    # d/dt of 1 / (1 + exp(-s cos(angle) (t - wall)))
    k = sharpness * math.cos(angle)
    wave = torch.sigmoid(k * (middle - WALL))
    torch.testing.assert_close(weights / 0.002, k * wave * (1.0 - wave), rtol=0.02, atol=0.02 * k)


def test_a_wall_that_faces_away_stops_nothing_unless_the_slope_is_young() -> None:
    cosine = torch.tensor([[1.0, 0.5, 0.0, -1.0]])
    torch.testing.assert_close(falling_slope(cosine, 1.0), torch.tensor([[0.0, 0.0, 0.0, -1.0]]))
    torch.testing.assert_close(falling_slope(cosine, 0.0), torch.tensor([[0.0, -0.25, -0.5, -1.0]]))


def test_finer_samples_gather_at_the_wall() -> None:
    t = evenly(torch.zeros(3), torch.ones(3), 16, torch.tensor([0.0, 0.5, 0.99]))
    for number in range(4):
        fresh = finer(t, WALL - t, number, 16)
        t = torch.cat([t, fresh], dim=-1).sort(dim=-1)[0]
    assert ((fresh - WALL).abs() < 0.02).float().mean() > 0.9
    assert (guessed_weights(t, torch.ones_like(t), 64.0) == 0.0).all()


def test_quantiles_of_a_density_are_found() -> None:
    t = torch.tensor([[0.0, 1.0, 3.0, 4.0]])
    found = inverse_cdf(t, torch.tensor([[1.0, 2.0, 0.0]]), 6)
    # A third of them in [0, 1], two thirds in [1, 3]: all half a unit apart.
    torch.testing.assert_close(
        found, torch.tensor([[0.25, 0.75, 1.25, 1.75, 2.25, 2.75]]), atol=1e-3, rtol=0.0
    )


def test_a_ray_enters_and_leaves_the_ball() -> None:
    origins = torch.tensor([[0.0, 0.6, -3.0], [0.0, 0.0, 0.0], [0.0, 2.0, -3.0], [0.0, 0.0, 3.0]])
    near, far, meets = ball_span(origins, torch.tensor([[0.0, 0.0, 1.0]]).expand(4, 3))
    assert meets.tolist() == [True, True, False, False]
    torch.testing.assert_close(near[:2], torch.tensor([2.2, 0.0]))
    torch.testing.assert_close(far[:2], torch.tensor([3.8, 1.0]))


def test_the_world_folds_into_a_ball_and_back() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn((200, 3), generator=draw, dtype=torch.float64) * 5.0
    x = x[x.norm(dim=-1) > 1.0]
    places = folded(x)
    assert (places.abs() <= 1.0).all()
    torch.testing.assert_close(places[:, 3], 1.0 / x.norm(dim=-1))
    torch.testing.assert_close(unfolded(places), x)
    inside = folded(torch.tensor([[0.0, 0.2, 0.0]]))
    torch.testing.assert_close(inside, torch.tensor([[0.0, 0.2, 0.0, 1.0]]))


def test_samples_of_the_world_stand_at_equal_steps_of_inverse_depth() -> None:
    t = outwards(torch.tensor([2.0]), 8, torch.tensor([0.0]))
    torch.testing.assert_close(2.0 / t, torch.arange(8, 0, -1)[None] / 8.0)
    assert (outwards(torch.tensor([2.0]), 8, torch.tensor([1.0])) > t).all()


def test_the_masks_loss_pulls_opacity_towards_the_mask() -> None:
    opacity = torch.tensor([0.3, 0.3, 0.8], requires_grad=True)
    mask_loss(opacity, torch.tensor([1.0, 0.0, 0.8])).backward()
    assert opacity.grad is not None
    assert opacity.grad[0] < 0.0 < opacity.grad[1]
    assert float(opacity.grad[2]) == pytest.approx(0.0, abs=1e-6)


def test_harmonics_are_orthonormal_on_the_sphere() -> None:
    nodes, weights = (torch.from_numpy(each) for each in _gauss(12))
    angle = torch.arange(24, dtype=torch.float64) * (math.pi / 12)
    ring = (1.0 - nodes**2).sqrt()[:, None]
    directions = torch.stack(
        [ring * angle.cos(), ring * angle.sin(), nodes[:, None].expand(-1, 24)], dim=-1
    )
    values = harmonics(directions)
    gram = torch.einsum("ijk,ijl,i->kl", values, values, weights * (math.pi / 12))
    torch.testing.assert_close(gram, torch.eye(16, dtype=torch.float64), atol=1e-6, rtol=0.0)


def _gauss(count: int) -> Any:

    return np.polynomial.legendre.leggauss(count)


def test_frequencies_are_octaves() -> None:
    x = torch.tensor([[0.3, -0.2]])
    found = frequencies(x, 2)
    waves = [f(k * v) for k in (1, 2) for f in (math.sin, math.cos) for v in (0.3, -0.2)]
    expected = [0.3, -0.2, *waves]
    torch.testing.assert_close(found, torch.tensor([expected]))
