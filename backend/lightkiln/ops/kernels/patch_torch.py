# SPDX-License-Identifier: GPL-3.0-or-later
"""`patch_pull` and `point_pull` in torch: the tests' oracle, and what runs on CUDA.

The formulae, their notation and their constants are those of the numba files; the slopes of the
crossing and of the interpolation are left to autograd. It must not know schedules.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.interpolation import cell_points

from .march_torch import Beams, march
from .patch_pull import AGREED, BEST, STEP, Patches
from .point_pull import SOFTNESS
from .stereo_patch import LEAST_VARIANCE, Bundle
from .stereo_sweep import UNSEEN
from .stereo_torch import TorchKernels, correlation

FLAT = 1e-3
"""|grad f|, over two voxels, below which no plane is right, as in `patch_pull.plane_at`."""


def pull(
    table: Int[Tensor, "a b c"],
    distance: Float[Tensor, " points"],
    sharpness: float,
    bundle: Bundle,
    patches: Patches,
) -> tuple[Float[Tensor, ""], Float[Tensor, " patches"]]:
    """A number whose gradient is that of the sum of the costs, and the costs, NaN where none is."""
    device = distance.device
    some = bundle._replace(
        sources=bundle.sources[patches.among],
        sizes=bundle.sizes[patches.among],
        homographies=bundle.homographies[patches.among],
        epipoles=bundle.epipoles[patches.among],
    )
    d = torch.as_tensor(patches.directions, device=device)
    o = torch.as_tensor(patches.origin, device=device).expand_as(d)
    t, crossed = _crossings(table, distance, sharpness, o, d, patches)
    with torch.no_grad():
        turn = torch.as_tensor(patches.turn, device=device)
        slope = _gradient(table, distance, o + t[:, None] * d)
        usable = crossed & (slope.norm(dim=1) > FLAT)  # False where it is no number
        normal, ray = torch.nn.functional.normalize(slope, dim=1) @ turn.T, d @ turn.T
        cost, change = _slopes(TorchKernels(str(device)), some, patches, normal, ray, t)
        usable &= ~change.isnan()
    pulled = torch.where(usable, change, 0.0) * torch.where(usable, t, 0.0)
    return pulled.sum(), torch.where(usable, cost, torch.nan)


def hold(
    table: Int[Tensor, "a b c"],
    distance: Float[Tensor, " points"],
    places: Float[Tensor, "n 3"],
    weights: Float[Tensor, " n"],
) -> Float[Tensor, ""]:
    """The loss of points that lie on the surface; see `point_pull`."""
    f, e = _look_up(table, distance, places), float(SOFTNESS)
    known = ~f.isnan()
    return (weights[known] * (torch.sqrt(f[known] ** 2 + e**2) - e)).sum()


def _crossings(
    table: Tensor, distance: Tensor, sharpness: float, o: Tensor, d: Tensor, patches: Patches
) -> tuple[Tensor, Tensor]:
    """t* of each ray, and whether there is one."""
    jitter = torch.as_tensor(patches.jitter, device=d.device)
    samples = march(table, distance.detach(), sharpness, Beams(o, d, jitter))
    places = o[:, None] + samples.t[..., None] * d[:, None]
    points, shares, _ = cell_points(table, places.reshape(-1, 3))
    f = (shares * distance[points]).sum(dim=1).reshape(samples.t.shape)
    later = torch.arange(1, f.shape[1], device=d.device)
    enters = (f[:, :-1] > 0.0) & (f[:, 1:] <= 0.0) & (later < samples.lengths[:, None])
    crossed, i = enters.any(dim=1), enters.long().argmax(dim=1, keepdim=True)
    a, b = f.gather(1, i)[:, 0], f.gather(1, i + 1)[:, 0]
    before, behind = samples.t.gather(1, i)[:, 0], samples.t.gather(1, i + 1)[:, 0]
    fall = torch.where(crossed, a - b, 1.0)
    return torch.where(crossed, (a * behind - b * before) / fall, 1.0), crossed


def _gradient(table: Tensor, distance: Tensor, x: Tensor) -> Tensor:
    """Differences of f over two voxels (n, 3); NaN where one is not stored."""
    steps = torch.eye(3, device=x.device)
    return torch.stack(
        [
            _look_up(table, distance, x + step) - _look_up(table, distance, x - step)
            for step in steps
        ],
        dim=1,
    )


def _look_up(table: Tensor, distance: Tensor, x: Tensor) -> Tensor:
    """f at each place, NaN where its cell is not whole."""
    points, shares, whole = cell_points(table, x)
    return torch.where(whole, (shares * distance[points]).sum(dim=1), torch.nan)


def _slopes(
    kernels: TorchKernels,
    bundle: Bundle,
    patches: Patches,
    normal: Tensor,
    ray: Tensor,
    t: Tensor,
) -> tuple[Tensor, Tensor]:
    """Cost and dcost/dt of each patch; NaN where it says nothing."""
    places = torch.as_tensor(patches.places, device=t.device)
    c, r = places[:, :1], places[:, 1:]
    reference, shares, whole = kernels.windows(bundle, c, r)

    def look(at: Tensor) -> tuple[Tensor, Tensor]:
        """NCC (sources, n) of the patches at `at`, -2 where unseen; whether they say anything."""
        plane = _plane(bundle, normal, ray, at)[:, None]
        samples = kernels.look(bundle, c, r, plane)
        value, variance = correlation(reference, samples, shares)
        seen = samples.ne(float(UNSEEN)).all(dim=-1)
        facing = kernels.faces(bundle, c, r, plane) & (variance >= LEAST_VARIANCE)
        return torch.where(seen, value, -2.0)[..., 0], (facing & whole)[..., 0]

    values, says = look(t)
    best, chosen = values.topk(min(BEST, len(values)), dim=0)
    here = best.mean(dim=0)
    says &= (best > -2.0).all(dim=0) & (here > float(AGREED))
    around = [look(t + step)[0].gather(0, chosen) for step in (-float(STEP), float(STEP))]
    says &= torch.stack([(values > -2.0).all(dim=0) for values in around]).all(dim=0)
    change = (around[0].mean(dim=0) - around[1].mean(dim=0)) / (2.0 * float(STEP))
    nothing = torch.full_like(here, np.nan)
    return torch.where(says, 1.0 - here, nothing), torch.where(says, change, nothing)


def _plane(bundle: Bundle, normal: Tensor, ray: Tensor, t: Tensor) -> Tensor:
    """(n, 3): (w, a, b) of the plane through t along the ray."""
    q = t * (normal * ray).sum(dim=1)
    fx, fy = (float(f) for f in bundle.rays[:2])
    return torch.stack(
        [1.0 / (t * ray[:, 2]), normal[:, 0] / (fx * q), normal[:, 1] / (fy * q)], dim=1
    )
