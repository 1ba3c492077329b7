# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface on a dense lattice: what is read of it, what flows back, and where rays look."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from lightkiln.ops.kernels import dense_grid, dense_grid_autograd, dense_march, dense_march_torch
from lightkiln.ops.kernels import dense_grid_numba as loops
from lightkiln.ops.kernels.occupancy_march import Spans
from lightkiln.ops.kernels.winding import winding
from lightkiln.ops.ray_samples import ball_span
from skimage.measure import marching_cubes
from torch import Tensor

SIDE = 13


def lattice(side: int, dtype: torch.dtype = torch.float64) -> Tensor:
    axis = torch.linspace(-1.0, 1.0, side, dtype=dtype)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


def places(count: int, seed: int = 0) -> Tensor:
    """Some of them on the border and beyond it."""
    draw = torch.Generator().manual_seed(seed)
    x = 2.2 * torch.rand((count, 3), generator=draw, dtype=torch.float64) - 1.1
    x[0], x[1], x[2] = -1.0, 1.0, torch.tensor([1.0, -1.0, 0.25])
    return x


def test_a_linear_distance_is_read_exactly_with_its_slope() -> None:
    normal = torch.tensor([0.6, -0.48, 0.64], dtype=torch.float64)
    colors = torch.rand((3, 3), dtype=torch.float64)
    points = lattice(SIDE)
    x = 0.8 * places(200)[3:].clamp(-1.0, 1.0)  # not in the border's cells: slopes are halves there
    read = dense_grid.read(points @ normal - 0.1, points @ colors, x, slopes=True)
    torch.testing.assert_close(read[:, 0], x @ normal - 0.1)
    torch.testing.assert_close(read[:, 1:4], x @ colors)
    torch.testing.assert_close(read[:, 4:], normal.expand(len(x), 3))


@pytest.mark.parametrize("slopes", [False, True])
def test_the_compiled_twin_reads_the_same_and_learns_the_same(slopes: bool) -> None:
    draw = torch.Generator().manual_seed(3)
    f = torch.randn((SIDE,) * 3, generator=draw, dtype=torch.float64)
    albedo = torch.rand((SIDE, SIDE, SIDE, 3), generator=draw, dtype=torch.float64)
    x = places(1500)
    pull = torch.randn((len(x), 7 if slopes else 4), generator=draw, dtype=torch.float64)
    found = []
    for twin, dtype in ((dense_grid, torch.float64), (dense_grid_autograd, torch.float32)):
        leaves = [each.to(dtype).clone().requires_grad_() for each in (f, albedo)]
        read = twin.read(*leaves, x.to(dtype), slopes)  # type: ignore[attr-defined]
        (read * pull.to(dtype)).sum().backward()
        found.append([read.detach(), *(leaf.grad for leaf in leaves)])
    for true, ours in zip(*found, strict=True):
        assert (true - ours).abs().max() < 1e-5 * true.abs().max()


def test_what_flows_back_does_not_depend_on_the_number_of_threads() -> None:
    x, g = places(700).float().numpy(), np.random.default_rng(0).normal(size=(700, 7))
    found = []
    for workers in (1, 2, 5):
        of_f, of_albedo = np.zeros((SIDE,) * 3, "f4"), np.zeros((SIDE,) * 3 + (3,), "f4")
        loops.spread(x, g.astype("f4"), workers, of_f, of_albedo)
        found.append((of_f, of_albedo))
    for of_f, of_albedo in found[1:]:
        np.testing.assert_array_equal(of_f, found[0][0])
        np.testing.assert_array_equal(of_albedo, found[0][1])


def test_a_ball_is_regular_and_bends_as_its_radius_says() -> None:
    side, radius = 41, 0.5
    f = lattice(side).norm(dim=-1) - radius
    eikonal, smooth = dense_grid.regular(f, 0.1)
    assert eikonal < 1e-4
    # The laplacian of |x| is 2 / |x|; in lattice steps and by h: 2 h / |x|, of which the square.
    h = 2.0 / (side - 1)
    assert float(smooth) == pytest.approx((2.0 * h / radius) ** 2, rel=0.05)


@pytest.mark.parametrize("band", [0.2, 10.0])
def test_the_compiled_twin_finds_it_as_irregular_and_moves_it_the_same_way(band: float) -> None:
    draw = torch.Generator().manual_seed(4)
    f = lattice(SIDE).norm(dim=-1) - 0.5
    f = f + 0.05 * torch.randn(f.shape, generator=draw, dtype=torch.float64)
    slopes, values = [], []
    for twin, dtype in ((dense_grid, torch.float64), (dense_grid_autograd, torch.float32)):
        leaf = f.to(dtype).clone().requires_grad_()
        value = twin.regular(leaf, band)  # type: ignore[attr-defined]
        (value[0] + 0.3 * value[1]).backward()
        values.append(value.detach())
        slopes.append(leaf.grad)
    torch.testing.assert_close(values[0].float(), values[1], rtol=1e-4, atol=0.0)
    assert (slopes[0] - slopes[1]).abs().max() < 1e-4 * slopes[0].abs().max()


@pytest.mark.parametrize("width", [0.02, 0.1])
def test_the_march_finds_the_samples_that_looking_everywhere_finds(width: float) -> None:
    draw = torch.Generator().manual_seed(5)
    f = (lattice(33).norm(dim=-1) - 0.6).float()
    o = torch.nn.functional.normalize(torch.randn((400, 3), generator=draw), dim=-1) * 2.5
    d = torch.nn.functional.normalize(0.7 * torch.randn((400, 3), generator=draw) - o, dim=-1)
    near, far, _ = ball_span(o, d)
    jitter = torch.rand(400, generator=draw)
    pace = (width, 1.0 / width, 6.0 * width)
    t, ray = dense_march_torch.march(f, o, d, near, far, jitter, pace)
    spans = Spans(*(each.numpy() for each in (o, d, near, far, jitter)))
    counts = np.zeros(400, dtype=np.int64)
    numbers = tuple(np.float32(value) for value in pace)
    dense_march.count_samples(f.numpy(), spans, numbers, counts)
    np.testing.assert_array_equal(counts, torch.bincount(ray, minlength=400).numpy())
    starts = np.concatenate([[0], np.cumsum(counts)])
    found = np.empty(starts[-1], dtype=np.float32)
    dense_march.place_samples(f.numpy(), spans, numbers, starts, found)
    np.testing.assert_allclose(found, t.numpy(), atol=1e-5)
    assert counts.max() < 2.0 * 12.0 * 6.0  # it ended in the dark, not at the other side


def test_a_surface_goes_once_around_what_is_inside() -> None:
    points = lattice(20).numpy()
    f = np.linalg.norm(points * [1.0, 1.0, 1.5], axis=-1) - 0.7
    corners, triangles, *_ = marching_cubes(f, 0.0)  # in lattice steps already
    around = winding(corners, triangles[:, ::-1].astype(np.int32), 20)
    np.testing.assert_array_equal(np.abs(around), (f < 0.0).astype(int))
    twice = winding(
        np.concatenate([corners, 0.5 * corners + 4.75]),
        np.concatenate([triangles, triangles + len(corners)]).astype(np.int32),
        20,
    )
    assert abs(twice).max() == 2
    assert math.isclose(float((twice != 0).mean()), float((f < 0.0).mean()), rel_tol=1e-6)
