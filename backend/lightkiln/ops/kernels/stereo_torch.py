# SPDX-License-Identifier: GPL-3.0-or-later
"""The readable twin of `stereo_sweep` and `stereo_patch`, in torch.

It is the tests' oracle and what runs on CUDA: the same notation, the same results to rounding,
whole images at once instead of blocks and rows. It must not know how planes are proposed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from .stereo_patch import LEAST_COSINE, LEAST_VARIANCE, RADIUS, Bundle
from .stereo_sweep import UNSEEN


class TorchKernels:
    """The two kernels on a device; arrays go in and come out."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)

    def sweep(
        self, bundle: Bundle, planes: NDArray[Any], near: NDArray[Any], far: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """As `stereo_sweep.sweep`."""
        reference = self._tensor(bundle.reference)
        low, high = self._tensor(far), self._tensor(near)
        spacing = float(planes[1] - planes[0])
        scores = torch.stack([self._plane_score(bundle, reference, float(w)) for w in planes])
        swept = self._tensor(planes)[:, None, None]
        allowed = (low - spacing <= swept) & (swept <= high + spacing) & (high > 0.0)
        best, place = torch.where(allowed, scores, 0.0).max(dim=0)
        beside = pad(scores, (0, 0, 0, 0, 1, 1))  # nothing correlates beyond the ends
        left = beside.gather(0, place[None])[0]
        right = beside.gather(0, place[None] + 2)[0]
        bend = left - 2.0 * best + right
        shift = torch.where(bend < -1e-6, 0.5 * (left - right) / bend, 0.0).clamp(-0.5, 0.5)
        found = best > 0.0
        inverse_depth = torch.where(found, swept[place, 0, 0] + spacing * shift, 0.0)
        return self._array(inverse_depth), self._array(torch.where(found, best, 0.0))

    def offer(
        self,
        bundle: Bundle,
        planes: NDArray[Any],
        scores: NDArray[Any],
        candidates: NDArray[Any],
        offsets: NDArray[Any],
    ) -> None:
        """As `stereo_patch.offer`."""
        best_planes, best = self._tensor(planes), self._tensor(scores)
        given = self._tensor(candidates)
        rows, columns = torch.meshgrid(
            *(torch.arange(n, device=self.device) for n in scores.shape), indexing="ij"
        )
        for dc, dr in offsets.tolist():
            row, column = rows + dr, columns + dc
            inside = (row >= 0) & (row < len(rows)) & (column >= 0) & (column < rows.shape[1])
            plane = given[row.clamp(0, len(rows) - 1), column.clamp(0, rows.shape[1] - 1)].clone()
            plane[..., 0] -= bundle.stride * (plane[..., 1] * dc + plane[..., 2] * dr)
            value = self._patch_scores(bundle, columns, rows, plane)
            better = inside & (value > best)
            best = torch.where(better, value, best)
            best_planes = torch.where(better[..., None], plane, best_planes)
        planes[:], scores[:] = self._array(best_planes), self._array(best)

    def _plane_score(self, bundle: Bundle, reference: Tensor, w: float) -> Tensor:
        """(H, W): the mean of the two best correlations with the plane of inverse depth w."""
        height, width = reference.shape
        homographies = self._tensor(bundle.homographies).clone()
        homographies[:, :, 2] += w * self._tensor(bundle.epipoles)
        row = torch.arange(-RADIUS, height + RADIUS, device=self.device, dtype=torch.float32)
        column = torch.arange(-RADIUS, width + RADIUS, device=self.device, dtype=torch.float32)
        r, c = torch.meshgrid(row, column, indexing="ij")
        index = torch.stack([c, r, torch.ones_like(c)])
        warped = self._sample(bundle, torch.einsum("skl,lrc->srck", homographies, index))
        padded = pad(reference[None, None], (RADIUS,) * 4, mode="replicate")[0]
        mean, mean_r = _windows(warped), _windows(padded)
        variance = _windows(warped**2) - mean**2
        variance_r = _windows(padded**2) - mean_r**2
        cross = _windows(warped * padded) - mean * mean_r
        usable = (variance > LEAST_VARIANCE) & (variance_r > LEAST_VARIANCE)
        product = torch.where(usable, variance * variance_r, 1.0)
        return _mean_of_two_best(torch.where(usable, cross / product.sqrt(), 0.0))

    def _patch_scores(self, bundle: Bundle, columns: Tensor, rows: Tensor, plane: Tensor) -> Tensor:
        """(h, w): what `stereo_patch.score` says of every pixel's plane; 0 where it may not be."""
        c, r = bundle.stride * columns, bundle.stride * rows
        reference, shares, whole = self.windows(bundle, c, r)
        samples = self.look(bundle, c, r, plane)
        seen = samples.ne(float(UNSEEN)).all(dim=-1)
        value, variance = correlation(reference, samples, shares)
        allowed = whole & (variance >= LEAST_VARIANCE) & self.faces(bundle, c, r, plane)
        return torch.where(allowed, _mean_of_two_best(torch.where(seen, value, 0.0)), 0.0)

    def windows(self, bundle: Bundle, c: Tensor, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The reference's grey and its shares (h, w, samples), and whether a pixel (h, w) is of the
        object and its window within the image."""
        j, i = self._tensor(bundle.pattern)
        height, width = bundle.reference.shape
        whole = (c >= RADIUS) & (c < width - RADIUS) & (r >= RADIUS) & (r < height - RADIUS)
        row = (r[..., None] + j.long()).clamp(0, height - 1)
        column = (c[..., None] + i.long()).clamp(0, width - 1)
        weight = self._tensor(bundle.weight)
        shares = weight[row, column]
        total = shares.sum(dim=-1, keepdim=True)
        return (
            self._tensor(bundle.reference)[row, column],
            shares / total,
            whole & (weight[r, c] >= 0.5),
        )

    def look(self, bundle: Bundle, c: Tensor, r: Tensor, plane: Tensor) -> Tensor:
        """(S, h, w, samples): the sources' grey, all UNSEEN where a corner of the patch is."""
        j, i = self._tensor(bundle.pattern)
        corner = torch.tensor([-RADIUS, -RADIUS, RADIUS, RADIUS], device=self.device)
        i, j = torch.cat([i, corner]), torch.cat([j, corner.roll(1)])
        w, a, b = (value[..., None] for value in plane.unbind(-1))
        column, row = c[..., None] + i, r[..., None] + j
        index = torch.stack([column, row, torch.ones_like(column), w + a * i + b * j], dim=-1)
        matrices = torch.cat(
            [self._tensor(bundle.homographies), self._tensor(bundle.epipoles)[..., None]], dim=-1
        )
        out = self._sample(bundle, torch.einsum("skl,hwnl->shwnk", matrices, index))
        cut = out[..., -4:].eq(float(UNSEEN)).any(dim=-1, keepdim=True)
        return torch.where(cut, float(UNSEEN), out[..., :-4])

    def _sample(self, bundle: Bundle, homogeneous: Tensor) -> Tensor:
        """Bilinear grey of each source at homogeneous indices (S, ..., 3); UNSEEN outside."""
        z = homogeneous[..., 2]
        x, y = homogeneous[..., 0] / z, homogeneous[..., 1] / z
        shape = (-1, *(1,) * (x.ndim - 1))
        last_x, last_y = (self._tensor(bundle.sizes)[:, k].view(shape) for k in range(2))
        seen = (z > 0.0) & (x >= 0.0) & (x < last_x) & (y >= 0.0) & (y < last_y)
        x, y = torch.where(seen, x, 0.0), torch.where(seen, y, 0.0)
        i, j = x.long(), y.long()
        p, q = x - i, y - j
        source = torch.arange(len(bundle.sources), device=self.device).view(shape)
        images = self._tensor(bundle.sources)
        top = torch.lerp(images[source, j, i], images[source, j, i + 1], p)
        bottom = torch.lerp(images[source, j + 1, i], images[source, j + 1, i + 1], p)
        return torch.where(seen, torch.lerp(top, bottom, q), float(UNSEEN))

    def faces(self, bundle: Bundle, c: Tensor, r: Tensor, plane: Tensor) -> Tensor:
        """As `stereo_patch.faces`, of every pixel."""
        fx, fy, cx, cy = bundle.rays.tolist()
        w, a, b = plane.unbind(-1)
        x, y = (c - cx) / fx, (r - cy) / fy
        normal = (a * fx) ** 2 + (b * fy) ** 2 + (w - a * (c - cx) - b * (r - cy)) ** 2
        steepest: Tensor = LEAST_COSINE**2 * (1.0 + x * x + y * y) * normal
        return (w > 0.0) & (w * w > steepest)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    @staticmethod
    def _array(tensor: Tensor) -> NDArray[Any]:
        return np.asarray(tensor.cpu().numpy())


def _windows(images: Tensor) -> Tensor:
    """Means over 7 x 7 windows, without padding."""
    return avg_pool2d(images[None], 2 * RADIUS + 1, stride=1)[0]


def correlation(reference: Tensor, samples: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """ZNCC (S, h, w) under shares that add up to 1, and the reference's variance (h, w)."""
    r = reference - (shares * reference).sum(dim=-1, keepdim=True)
    s = samples - (shares * samples).sum(dim=-1, keepdim=True)
    variance, variance_s = (shares * r * r).sum(dim=-1), (shares * s * s).sum(dim=-1)
    cross = (shares * r * s).sum(dim=-1)
    usable = (variance >= LEAST_VARIANCE) & (variance_s >= LEAST_VARIANCE)
    product = torch.where(usable, variance * variance_s, 1.0)
    return torch.where(usable, cross / product.sqrt(), 0.0), variance


def _mean_of_two_best(values: Tensor) -> Tensor:
    """Over the sources (S, ...), of which there may be but one; a negative one counts 0."""
    values = pad(values.clamp(min=0.0).movedim(0, -1), (0, 1))
    return values.topk(2, dim=-1).values.mean(dim=-1)
