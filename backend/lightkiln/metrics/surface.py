# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a surface lies from the true one.

With A points sampled on the mesh, R on the reference and d the distance of a point to a surface:

    accuracy      mean of d(a, reference) over A         what is there is right
    completeness  mean of d(r, mesh) over R              what should be there is there
    chamfer       (accuracy + completeness) / 2
    F-score(tau)  harmonic mean of the shares of A and of R with d < tau
    normals       mean of |n . n'| at the nearest points, both ways

(Knapitsch et al. 2017 for the F-score.) Lengths are metres; `fraction` gives them in parts of the
diagonal of the reference's bounding box. It must not know files, methods or images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.triangles import area_vectors, unit

from .closest import Samples, nearest_on_mesh, sample

NUM_SAMPLES = 100_000
TAUS = (0.005, 0.01)
"""Thresholds of the F-score, in parts of the reference's diagonal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceScores:
    """Scores of a mesh against a reference."""

    accuracy: float
    """Metres."""
    completeness: float
    """Metres."""
    f_scores: tuple[float, ...]
    """In [0, 1], for each of `TAUS`."""
    normal_consistency: float | None
    """In [0, 1]; None against a point cloud, which has no normals."""
    diagonal: float
    """Of the reference's bounding box, metres."""

    @property
    def chamfer(self) -> float:
        """Metres."""
        return (self.accuracy + self.completeness) / 2.0

    def fraction(self, length: float) -> float:
        """A length in parts of the reference's diagonal."""
        return length / self.diagonal


def evaluate(
    mesh: TriangleMesh,
    against: TriangleMesh | PointCloud,
    *,
    num_samples: int = NUM_SAMPLES,
    seed: int = 0,
) -> SurfaceScores:
    """Compare a mesh with the truth, both in the same world.

    Against a point cloud the accuracy includes the cloud's own spacing. Raises `UserError` if there
    is nothing to compare.
    """
    _check(mesh, "mesh")
    _check(against, "reference")
    samples = sample(mesh, num_samples, seed)
    if isinstance(against, PointCloud):
        truth = against.positions.astype(np.float64)
        accuracy: NDArray[Any] = np.asarray(cKDTree(truth).query(samples.points)[0])
        completeness, _ = nearest_on_mesh(truth, mesh, samples)
        consistency = None
    else:
        # Another seed: a mesh compared with itself should not meet its own samples.
        true_samples = sample(against, num_samples, seed + 1)
        accuracy, on_truth = nearest_on_mesh(samples.points, against, true_samples)
        completeness, on_mesh = nearest_on_mesh(true_samples.points, mesh, samples)
        there = _consistency(mesh, samples, against, on_truth)
        consistency = (there + _consistency(against, true_samples, mesh, on_mesh)) / 2.0
    return _scores(accuracy, completeness, consistency, against.positions)


def _scores(
    accuracy: NDArray[Any],
    completeness: NDArray[Any],
    consistency: float | None,
    reference: NDArray[Any],
) -> SurfaceScores:
    diagonal = float(np.linalg.norm(np.ptp(reference.astype(np.float64), axis=0)))
    return SurfaceScores(
        accuracy=float(accuracy.mean()),
        completeness=float(completeness.mean()),
        f_scores=tuple(f_score(accuracy, completeness, tau * diagonal) for tau in TAUS),
        normal_consistency=consistency,
        diagonal=diagonal,
    )


def f_score(accuracy: NDArray[Any], completeness: NDArray[Any], tau: float) -> float:
    """The harmonic mean of precision and recall at a threshold in metres; 0 if both are."""
    precision, recall = float((accuracy < tau).mean()), float((completeness < tau).mean())
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def _consistency(
    mesh: TriangleMesh, samples: Samples, other: TriangleMesh, nearest: NDArray[Any]
) -> float:
    normals = unit(area_vectors(mesh.positions, mesh.triangles))[samples.triangles]
    others = unit(area_vectors(other.positions, other.triangles))[nearest]
    return float(np.abs((normals * others).sum(axis=-1)).mean())


def _check(geometry: TriangleMesh | PointCloud, role: str) -> None:
    is_empty = len(geometry.positions) == 0
    if isinstance(geometry, TriangleMesh):
        is_empty |= not area_vectors(geometry.positions, geometry.triangles).any()
    if is_empty:
        raise UserError(f"The {role} has no surface.", hint="Check that the right file was given.")
