# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk of `march` for many rays at once, in torch: what runs on CUDA.

All rays that are still walking make one move together: to the next brick, over a point that is not
stored, or to a sample. The rules and their constants are those of `march`. Where the samples stand
is not differentiated. It must not know colours or losses.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.bricks import BRICK
from lightkiln.ops.interpolation import cell_points

from .march import DARK, FAR, FLAT, MAX_SAMPLES, MAX_STEP, MIN_STEP, NUDGE


class Samples(NamedTuple):
    """Where rays are sampled."""

    t: Float[Tensor, "rays samples"]
    """Places along the rays, rising; after a ray's last sample that one is repeated."""
    lengths: Int[Tensor, " rays"]
    """Samples of each ray."""


class Beams(NamedTuple):
    """Rays as tensors, lattice units: see `arrays.Rays`."""

    origins: Float[Tensor, "rays 3"]
    directions: Float[Tensor, "rays 3"]
    jitter: Float[Tensor, " rays"]


@torch.no_grad()
def march(
    table: Int[Tensor, "a b c"], distance: Float[Tensor, " points"], sharpness: float, beams: Beams
) -> Samples:
    """Walk along all rays; raises nothing: a ray that misses has no samples."""
    now, leave = _span(table, beams)
    now = now + beams.jitter * float(MIN_STEP)
    num_rays = len(now)
    t = torch.zeros((num_rays, MAX_SAMPLES), device=now.device)
    count = torch.zeros(num_rays, dtype=torch.long, device=now.device)
    light, clear = torch.ones_like(now), torch.ones_like(now)
    walking = (now < leave).nonzero()[:, 0]
    while len(walking):
        at, o, d = now[walking], beams.origins[walking], beams.directions[walking]
        x = o + at[:, None] * d
        stored, value = _look_up(table, distance, x)
        whole = stored & ~value.isnan()
        hit = walking[whole]
        t[hit, count[hit]] = at[whole]
        clear_here = torch.sigmoid((sharpness * value[whole]).clamp(-float(FAR), float(FAR)))
        passed = torch.where(count[hit] > 0, (clear_here / clear[hit]).clamp(max=1.0), 1.0)
        light[hit], clear[hit] = light[hit] * passed, clear_here
        count[hit] += 1
        step = (
            (0.5 * value.abs()).clamp(float(MIN_STEP), float(MAX_STEP)).nan_to_num(float(MIN_STEP))
        )
        now[walking] = torch.where(stored, at + step, _brick_exit(x, at, d))
        on = (now < leave) & (count < MAX_SAMPLES) & (light >= float(DARK))
        walking = walking[on[walking]]
    return Samples(_padded(t, count), count)


def _padded(t: Float[Tensor, "rays most"], count: Int[Tensor, " rays"]) -> Tensor:
    """The used columns, a ray's last sample repeated to their end."""
    most = max(int(count.max()) if len(count) else 0, 2)
    column = torch.arange(most, device=t.device)
    return t.gather(1, torch.minimum(column, (count - 1).clamp(min=0)[:, None]))


def _span(table: Int[Tensor, "a b c"], beams: Beams) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave the lattice; enter >= leave where they miss."""
    o, d = beams.origins, beams.directions
    last = torch.tensor(table.shape, device=o.device) * BRICK - 1.0
    flat = d.abs() < float(FLAT)
    slope = torch.where(flat, 1.0, d)
    a, b = -o / slope, (last - o) / slope
    enter = torch.where(flat, 0.0, torch.minimum(a, b)).clamp(min=0.0).amax(dim=1)
    leave = torch.where(flat, 1e9, torch.maximum(a, b)).amin(dim=1)
    outside = (flat & ((o < 0.0) | (o > last))).any(dim=1)
    return enter + float(NUDGE), torch.where(outside, 0.0, leave - float(NUDGE))


def _look_up(
    table: Int[Tensor, "a b c"], distance: Float[Tensor, " points"], x: Float[Tensor, "n 3"]
) -> tuple[Tensor, Tensor]:
    """Whether the brick about each place is stored, and f there: NaN if its cell is not whole."""
    brick = x.long() // BRICK
    stored = table[brick[:, 0], brick[:, 1], brick[:, 2]] >= 0
    points, shares, whole = cell_points(table, x)
    value = (shares * distance[points]).sum(dim=1)
    return stored, torch.where(whole, value, torch.nan)


def _brick_exit(
    x: Float[Tensor, "n 3"], now: Float[Tensor, " n"], d: Float[Tensor, "n 3"]
) -> Tensor:
    """t just behind the brick about each place."""
    low = (x.long() // BRICK * BRICK).to(x.dtype)
    flat = d.abs() < float(FLAT)
    face = torch.where(d > 0.0, low + BRICK - x, low - x) / torch.where(flat, 1.0, d)
    ahead = torch.where(flat, 1e9, face).amin(dim=1).clamp(min=0.0)
    return now + ahead + float(NUDGE)
