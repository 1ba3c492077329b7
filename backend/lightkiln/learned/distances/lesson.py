# SPDX-License-Identifier: GPL-3.0-or-later
"""How the auto-decoder is taught: codes and network together, from places with true distances.

    L = mean |clamp(f(z_i, x), d) - clamp(s, d)|,  clamp(s, d) = min(d, max(-d, s))     (eq. 4)
    min over network and codes of  sum_i (L_i + r |z_i|²)                               (eq. 9)

(Park et al. 2019.) d = 0.1 in the cube's units; r grows from 0 to 1e-4 over the first steps. Half
of each shape's places are inside: beyond d the clamp has no slope, and a network that has once said
"all is outside" would not come back. Hidden layers multiply in bfloat16, which takes half the time;
coordinates do not, since 8 bits would move a surface. It must not know files or runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import TriangleMesh
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.weights import About
from lightkiln.learned.world.plan import Split, plan_of, world_of
from lightkiln.learned.world.shards import Things, things, unpacked
from lightkiln.learned.world.things import centres
from lightkiln.metrics.closest import nearest_on_mesh, sample
from lightkiln.metrics.voxels import iou

from .fitting import MOVES, Search, Seen, clamped, distances, fitted, nearest_means
from .network import AutoDecoder, starting_codes
from .surface import surface_of

RATE = 2e-3
PENALTY, RAMP = 1e-4, 1000
"""r, and the steps over which it grows."""
PLACES = 32
"""Of a shape in a step: few, so that many codes move in each."""
JUDGED, TOLD, JUDGED_STEPS = 18, 256, 80
"""Shapes that are judged, places that are told of each, and steps after its code."""
SIDE = 32
"""Voxels along the cube's edge."""
CELLS = 48
"""Of the surfaces that are judged."""


class DistanceLesson:
    """Satisfies `lesson.Lesson`; raises `UserError` for shapes of which nothing can be learned."""

    batch_size = 128

    def __init__(
        self, taught: Things, kept: Things, families: int, size: Mapping[str, int] | None = None
    ) -> None:
        self._places, self._distances = taught.places, taught.distances
        self._inside, self._order = halves(taught.distances)
        self._coarse = _coarse(unpacked(taught.voxels32, SIDE))
        self._family = torch.from_numpy(taught.family)
        self.size = {"shapes": len(taught), "families": families, **(size or {})}
        self._kept = kept
        # As they lie family by family, even steps meet every family.
        self._chosen = np.unique(np.linspace(0, len(kept) - 1, JUDGED).round().astype(int))

    def network(self) -> AutoDecoder:
        network = AutoDecoder(**self.size)
        codes = starting_codes(self._coarse, network.codes.embedding_dim)
        network.codes.weight.data.copy_(codes)
        network.family.copy_(self._family)
        return network

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        return adam(network, RATE, decay=0.0)  # the penalty already holds the codes

    def batch(self, draw: Generator, count: int) -> Batch:
        shapes = draw.integers(len(self._places), size=count)
        which = drawn(self._inside[shapes], self._order[shapes], PLACES, draw)
        rows = shapes[:, None]
        return {
            "shapes": torch.from_numpy(shapes),
            "places": torch.from_numpy(self._places[rows, which]),
            "distances": torch.from_numpy(self._distances[rows, which]),
        }

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        network = pupil.network
        assert isinstance(network, AutoDecoder)
        code = network.codes(batch["shapes"])
        with torch.autocast(pupil.device.type, torch.bfloat16):
            found = network(code, batch["places"])
        error = (clamped(found.float()) - clamped(batch["distances"])).abs().mean()
        share = PENALTY * min(1.0, pupil.step / RAMP)
        pupil.learn(error + share * code.square().sum(dim=-1).mean())
        return {"loss": float(error.detach())}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """Codes of unseen shapes, found from true distances; how well the shapes are met."""
        assert isinstance(network, AutoDecoder)
        kept, rows = self._kept, self._chosen[:, None]
        draw = np.random.default_rng(0)
        inside, order = halves(kept.distances)
        which = drawn(inside[self._chosen], order[self._chosen], TOLD, draw)
        device = network.codes.weight.device
        seen = Seen(
            torch.from_numpy(kept.places[rows, which]).to(device),
            torch.from_numpy(kept.distances[rows, which]).to(device),
        )
        found = fitted(
            network,
            nearest_means(network, seen),
            lambda step: seen,
            range(JUDGED_STEPS),
            Search(steps=JUDGED_STEPS, moving=False),
        )
        each = [
            _figures(network, code[None], kept, int(at))
            for code, at in zip(found.codes, self._chosen, strict=True)
        ]
        iou, chamfer = np.mean(each, axis=0)
        return {"iou": float(iou), "chamfer_per_cent": float(chamfer)}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        return {}


def deepsdf(
    dataset: Path | None, split: Split, size: Mapping[str, int]
) -> tuple[DistanceLesson, About]:
    """Taught with the things for training, judged on those of a split; raises `UserError`."""
    assert dataset is not None
    plan = plan_of(dataset)
    lesson = DistanceLesson(
        things(dataset, Split.TRAIN), things(dataset, split), len(plan.families), size
    )
    return lesson, About(method="deepsdf", world=world_of(plan), size=lesson.size)


def halves(
    distances: Float[NDArray[Any], "shapes n"],
) -> tuple[Int[NDArray[Any], " shapes"], Int[NDArray[Any], "shapes n"]]:
    """How many places of each shape are inside, and its places' numbers, those inside first.

    Raises `UserError` for a shape with none inside, or none outside: half a step is drawn of each.
    """
    inside = (distances < 0.0).sum(axis=1)
    bad = int(((inside == 0) | (inside == distances.shape[1])).sum())
    if bad:
        raise UserError(
            f"{bad} shapes have no places inside, or none outside: nothing can be learned of them.",
            hint="Make the dataset again, with more places of each shape.",
        )
    return inside, np.argsort(distances >= 0.0, axis=1, kind="stable")


def drawn(
    inside: Int[NDArray[Any], " b"], order: Int[NDArray[Any], "b n"], count: int, draw: Generator
) -> Int[NDArray[Any], "b count"]:
    """Numbers of places for each shape, half inside, half outside."""
    share = draw.random((len(inside), count))
    within, num = inside[:, None], order.shape[1]
    is_inside = np.arange(count) < count // 2
    at = np.where(is_inside, share * within, within + share * (num - within)).astype(int)
    return np.take_along_axis(order, at, axis=1)


def _coarse(voxels: Bool[NDArray[Any], "shapes 32 32 32"]) -> Float[Tensor, "shapes 4096"]:
    """Filled shares of 16³ blocks."""
    blocks = voxels.reshape(len(voxels), 16, 2, 16, 2, 16, 2).mean(axis=(2, 4, 6))
    return torch.from_numpy(blocks.reshape(len(voxels), -1).astype(np.float32))


def _figures(network: AutoDecoder, code: Tensor, kept: Things, at: int) -> tuple[float, float]:
    """Intersection over union of voxels, and Chamfer in per cent of the box's diagonal."""
    still = torch.zeros(1, MOVES).to(code)

    def field(x: Tensor) -> Tensor:
        return distances(network, code, still, x.to(code)[None])[0]

    with torch.inference_mode():
        found = field(torch.from_numpy(centres(SIDE)).float()).cpu().numpy() < 0.0
    true = unpacked(kept.voxels32[at : at + 1], SIDE).reshape(1, -1)
    away = chamfer(surface_of(field, CELLS), kept.surface[at], kept.normals[at])
    return float(iou(found[None], true)[0]), away


def chamfer(
    mesh: TriangleMesh, points: Float[NDArray[Any], "n 3"], normals: Float[NDArray[Any], "n 3"]
) -> float:
    """The mean of both directions' mean distances, in per cent of the points' box's diagonal.

    Points stand for their planes, or their own spacing would count as an error. Without a mesh:
    100.
    """
    if len(mesh.triangles) == 0:
        return 100.0
    samples = sample(mesh, len(points))
    there, _ = nearest_on_mesh(points, mesh, samples)
    _, near = cKDTree(points).query(samples.points)
    back = np.abs(((samples.points - points[near]) * normals[near]).sum(axis=-1))
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    return 50.0 * float(there.mean() + back.mean()) / diagonal
