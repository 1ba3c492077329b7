# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rays at once, in numba: rendering, and the loss with its gradient in one pass.

The loss of a ray is Charbonnier's over the channels, and the mask's where it counts:

    r = gain * C + T_n * background - target
    L = sum_c (sqrt(r_c² + e²) - e) + w (1 - T_n - mask)²

Rays are cut into as many chunks as there are gradient buffers, each worked off in order by one
thread, so the result does not depend on which thread comes first. It must not know images.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Field, Gradients, Number, Outcome, Rays, Targets
from .march import HALF
from .shade import (
    FAINT,
    Scratch,
    half_depth,
    harmonics,
    locate_at,
    look,
    scatter_color,
    scatter_distance,
    scratch_for_a_ray,
    slopes,
)

SOFTNESS = 0.03
"""e of Charbonnier's loss, in sRGB values: below it the loss is square, above it linear."""


@njit(cache=True)
def render_ray(field: Field, rays: Rays, ray: int, s: Scratch, out: Outcome) -> int:
    """Render one ray into `out`; return the number of its samples."""
    harmonics(rays.directions[ray], s.basis)
    out.color[ray] = 0.0
    count = look(
        field,
        rays.origins[ray],
        rays.directions[ray],
        rays.jitter[ray],
        s,
        out.color[ray],
    )
    out.transmittance[ray] = s.light[count - 1] if count > 0 else 1.0
    out.depth[ray] = half_depth(count, s)
    return count


@njit(cache=True, parallel=True)
def render(field: Field, rays: Rays, out: Outcome) -> None:
    """Render all rays into `out`; its loss is left alone."""
    num_rays, width = rays.origins.shape[0], 256
    for block in prange((num_rays + width - 1) // width):
        s = scratch_for_a_ray()
        for ray in range(block * width, min((block + 1) * width, num_rays)):
            render_ray(field, rays, ray, s, out)


@njit(cache=True)
def loss_slopes(targets: Targets, ray: int, out: Outcome, g: NDArray[Any]) -> Number:
    """Write the ray's loss and dL/dC into `g` (3,); return dL/dT_n."""
    light = out.transmittance[ray]
    miss = 1.0 - light - targets.opacity[ray]
    loss, h = targets.opacity_weight * miss * miss, -2.0 * targets.opacity_weight * miss
    for c in range(3):
        gain, background = targets.gain[ray, c], targets.background[ray, c]
        r = gain * out.color[ray, c] + light * background - targets.color[ray, c]
        size = math.sqrt(r * r + SOFTNESS * SOFTNESS)
        loss += size - SOFTNESS
        g[c] = gain * r / size
        h += background * r / size
    out.loss[ray] = loss
    return h


@njit(cache=True)
def scatter_ray(
    field: Field,
    rays: Rays,
    ray: int,
    count: int,
    s: Scratch,
    gradients: Gradients,
    chunk: int,
) -> None:
    """Add one ray's gradient to its chunk's buffers; `s` holds what `slopes` left."""
    o, d = rays.origins[ray], rays.directions[ray]
    scatter_distance(field.table, o, d, count, s, gradients.distance[chunk])
    for i in range(count - 1):
        weight = s.light[i] - s.light[i + 1]
        middle = HALF * (s.t[i] + s.t[i + 1])
        if weight > FAINT and locate_at(field.table, o, d, middle, s):
            scatter_color(weight, s, gradients.color[chunk], gradients.touched[chunk])


@njit(cache=True, parallel=True)
def backpropagate(
    field: Field, rays: Rays, targets: Targets, out: Outcome, gradients: Gradients
) -> None:
    """Render all rays into `out` and add the gradient of their losses' sum to `gradients`."""
    num_rays, chunks = rays.origins.shape[0], gradients.distance.shape[0]
    for chunk in prange(chunks):
        s = scratch_for_a_ray()
        for ray in range(chunk * num_rays // chunks, (chunk + 1) * num_rays // chunks):
            count = render_ray(field, rays, ray, s, out)
            h = loss_slopes(targets, ray, out, s.pull)
            if count > 1:
                slopes(count, field.sharpness, h, s)
                scatter_ray(field, rays, ray, count, s, gradients, chunk)
