# SPDX-License-Identifier: GPL-3.0-or-later
"""The fused kernel against its twin: autograd through the formulae, which shares no derivation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightkiln.ops.bricks import from_dense
from lightkiln.ops.kernels import fused, reference
from lightkiln.ops.kernels.arrays import (
    ROW,
    Field,
    Outcome,
    Rays,
    Targets,
    empty_gradients,
    empty_outcome,
)
from lightkiln.ops.kernels.march import MAX_SAMPLES, march

SIZE = 24


def a_field(seed: int, sharpness: float) -> Field:
    """A rough ball on some of 27 bricks, painted at random."""
    draw = np.random.default_rng(seed)
    axis = np.arange(SIZE) - 11.3
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0) - 7.0
    distance += draw.normal(scale=0.15, size=distance.shape)
    grid = from_dense(distance[..., None], np.abs(distance) < 2.0, np.zeros(3), 1.0)
    points = grid.values.size
    color = draw.normal(scale=0.3, size=(points, ROW)).astype(np.float32)
    return Field(grid.table, grid.values.reshape(-1), color, sharpness)


def some_rays(seed: int, count: int) -> Rays:
    draw = np.random.default_rng(seed)
    directions = draw.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    through = 11.5 + draw.uniform(-7.5, 7.5, size=(count, 3))
    origins = through - 30.0 * directions
    return Rays(
        origins.astype(np.float32),
        directions.astype(np.float32),
        draw.random(count).astype(np.float32),
    )


def some_targets(seed: int, count: int) -> Targets:
    draw = np.random.default_rng(seed)
    colors = draw.random((3, count, 3)).astype(np.float32)
    opacity = draw.random(count).astype(np.float32)
    return Targets(colors[0], colors[1], opacity, 0.5 + colors[2], 0.3)


def twin(
    field: Field, rays: Rays, targets: Targets
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Losses (rays,) by the twin, and the leaves that they depend on."""
    distance = torch.tensor(field.distance, dtype=torch.float64, requires_grad=True)
    color = torch.tensor(field.color, dtype=torch.float64, requires_grad=True)
    losses = []
    t, f = np.empty(MAX_SAMPLES, np.float32), np.empty(MAX_SAMPLES, np.float32)
    for ray in range(len(rays.origins)):
        o, d = rays.origins[ray], rays.directions[ray]
        count = march(field, o, d, rays.jitter[ray], t, f)
        seen, left = torch.zeros(3, dtype=torch.float64), torch.ones((), dtype=torch.float64)
        if count > 1:
            seen, left = reference.render_ray(
                torch.tensor(field.table),
                distance,
                color,
                field.sharpness,
                torch.tensor(o, dtype=torch.float64),
                torch.tensor(d, dtype=torch.float64),
                torch.tensor(t[:count].copy(), dtype=torch.float64),
            )
        gain, background, goal = (
            torch.tensor(array[ray], dtype=torch.float64)
            for array in (targets.gain, targets.background, targets.color)
        )
        miss = 1.0 - left - float(targets.opacity[ray])
        losses.append(
            reference.charbonnier(gain * seen + left * background - goal, fused.SOFTNESS)
            + targets.opacity_weight * miss**2
        )
    return torch.stack(losses), distance, color


@pytest.mark.parametrize(("seed", "sharpness"), [(0, 1.0), (1, 2.5), (2, 6.0)])
def test_the_kernel_agrees_with_autograd(seed: int, sharpness: float) -> None:
    field, rays, targets = a_field(seed, sharpness), some_rays(seed, 60), some_targets(seed, 60)
    out, gradients = empty_outcome(60), empty_gradients(2, field)
    fused.backpropagate(field, rays, targets, out, gradients)
    losses, distance, color = twin(field, rays, targets)
    losses.sum().backward()
    np.testing.assert_allclose(out.loss, losses.detach().numpy(), rtol=2e-3, atol=2e-4)
    for ours, theirs in ((gradients.distance, distance.grad), (gradients.color, color.grad)):
        assert theirs is not None
        error = np.abs(ours.sum(axis=0) - theirs.numpy())
        assert error.max() < 5e-3 * np.abs(theirs.numpy()).max()
    reached = np.abs(color.grad.numpy()).max(axis=1) > 0.0  # type: ignore[union-attr]
    assert (gradients.touched.any(axis=0) >= reached).all()


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    field, rays, targets = a_field(3, 2.0), some_rays(3, 200), some_targets(3, 200)
    field.color[:] = field.color[0]  # one colour: where the samples stand must not matter
    out, gradients = empty_outcome(200), empty_gradients(1, field)
    fused.backpropagate(field, rays, targets, out, gradients)
    noise = np.random.default_rng(5).normal(scale=0.3, size=field.distance.shape)
    direction = (1.0 + noise).astype(np.float32)
    ends = []
    for step in (-1e-2, 1e-2):
        moved = field._replace(distance=field.distance + np.float32(step) * direction)
        fused.backpropagate(moved, rays, targets, out, empty_gradients(1, field))
        ends.append(float(out.loss.sum(dtype=np.float64)))
    slope = (ends[1] - ends[0]) / 2e-2
    assert slope == pytest.approx(float(gradients.distance[0] @ direction), rel=0.05)


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2])
def test_a_wall_is_opaque_in_its_place_however_it_is_seen(angle: float) -> None:
    distance = (11.6 - np.arange(SIZE, dtype=np.float32))[:, None, None] + np.zeros((1, SIZE, SIZE))
    grid = from_dense(distance[..., None], np.ones((SIZE,) * 3, bool), np.zeros(3), 1.0)
    color = np.zeros((grid.values.size, ROW), dtype=np.float32)
    color[:, 0] = 0.7
    field = Field(grid.table, grid.values.reshape(-1), color, 6.0)
    direction = np.array([[np.cos(angle), np.sin(angle), 0.0]], dtype=np.float32)
    origin = np.array([[11.6, 11.5, 11.5]], dtype=np.float32) - 8.0 * direction
    out: Outcome = empty_outcome(1)
    fused.render(field, Rays(origin, direction, np.zeros(1, np.float32)), out)
    assert out.transmittance[0] < 2e-3
    assert out.color[0] == pytest.approx([0.7, 0.0, 0.0], abs=6e-3)
    assert out.depth[0] == pytest.approx(8.0, abs=0.1 / np.cos(angle))
