# SPDX-License-Identifier: GPL-3.0-or-later
"""Gradients and curvature from taps, against functions whose derivatives are known."""

from __future__ import annotations

import pytest
import torch
from lightkiln.ops.numerical_gradient import gradient_of, tap_points
from lightkiln.ops.surface_losses import curvature_loss, eikonal_loss

DRAW = torch.Generator().manual_seed(3)
PLACES = torch.rand((50, 3), generator=DRAW, dtype=torch.float64) + 0.3


def measured(function, step: float, taps: int) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[no-untyped-def]
    around = function(tap_points(PLACES, step, taps).reshape(-1, 3)).reshape(-1, taps)
    return gradient_of(around, function(PLACES), step)


def wavy(x: torch.Tensor) -> torch.Tensor:
    return torch.sin(x[:, 0] * x[:, 1]) + x[:, 2] ** 3 * x[:, 0]


@pytest.mark.parametrize("taps", [4, 6])
def test_a_linear_function_has_its_gradient_at_any_step(taps: int) -> None:
    slope = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64)
    gradient, laplacian = measured(lambda x: x @ slope + 0.4, 0.37, taps)
    torch.testing.assert_close(gradient, slope.expand(50, 3))
    assert float(curvature_loss(laplacian)) < 1e-10


@pytest.mark.parametrize(("taps", "order"), [(4, 1), (6, 2)])
def test_the_error_falls_with_the_step_as_it_should(taps: int, order: int) -> None:
    x = PLACES.clone().requires_grad_()
    (exact,) = torch.autograd.grad(wavy(x).sum(), x)
    errors = [float((measured(wavy, step, taps)[0] - exact).abs().mean()) for step in (2e-2, 1e-2)]
    assert errors[0] / errors[1] == pytest.approx(2.0**order, rel=0.1)


@pytest.mark.parametrize("taps", [4, 6])
def test_the_curvature_of_a_ball_and_of_a_plane(taps: int) -> None:
    ball_gradient, ball = measured(lambda x: x.norm(dim=-1) - 0.5, 1e-3, taps)
    torch.testing.assert_close(ball, 2.0 / PLACES.norm(dim=-1), rtol=5e-3, atol=0.0)
    assert float(eikonal_loss(ball_gradient)) < 1e-5
    assert float(curvature_loss(measured(lambda x: x[:, 1] - 0.2, 1e-3, taps)[1])) < 1e-6
