# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepSDF from points of things that it never saw: all of them, the front half, and strange things.

It must not know pages.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned import weights
from lightkiln.learned.distances import fitting, network
from lightkiln.learned.distances.surface import surface_of
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.things import LONGEST, thing
from lightkiln.methods.deepsdf import SPEC, Params, infer
from lightkiln.methods.detached import DetachedRun
from lightkiln.metrics.closest import sample
from lightkiln.metrics.surface import evaluate
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

from benchmarks.learned_sheet import Cell, dots, shaded

NUMBERS = (9, 19, 29, 39)
"""Of test things, of each family; the front half is tried of the first."""
POINTS, SAMPLES = 2048, 8000
WHOLE = Region(
    shape=RegionShape.BOX,
    world_from_region=np.diag([0.5 * LONGEST, 0.5 * LONGEST, 0.5 * LONGEST, 1]),
)
BETWEEN = ((("chair", 0), ("sofa", 3)), (("car", 1), ("car", 6)))
STEPS_BETWEEN = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What came of a cloud."""

    mesh: TriangleMesh
    residual: float
    seconds: float
    chamfer: float = 0.0
    """Per cent of the truth's diagonal, the mean of both directions."""
    normals: float = 0.0
    f_score: float = 0.0
    """At half a per cent of the diagonal."""


def measured() -> dict[str, float]:
    """Figures over the test things."""
    whole = [_fit(name, number) for number in NUMBERS for name in FAMILIES]
    half = [_fit(name, NUMBERS[0], front=True) for name in FAMILIES]
    found = {"count": float(len(whole)), "halves": float(len(half))}
    found |= {"seconds": float(np.mean([each.seconds for each in whole]))}
    for name, fits in (("whole", whole), ("half", half)):
        away = [each.chamfer for each in fits]
        found |= {f"{name}_mean": float(np.mean(away)), f"{name}_median": float(np.median(away))}
        found |= {f"{name}_worst": max(away)}
        found |= {f"{name}_normals": float(np.mean([each.normals for each in fits]))}
        found |= {f"{name}_f_score": float(np.mean([each.f_score for each in fits]))}
    found["residual"] = float(np.mean([each.residual for each in whole]))
    found["residual_worst"] = max(each.residual for each in whole)
    return found | {name: _made(points).residual for name, points in _strange().items()}


def rows() -> list[tuple[str, list[Cell]]]:
    """A thing of each family, and two ways from one shape to another."""
    number = NUMBERS[0]
    truths = [thing(name, number).mesh for name in FAMILIES]
    clouds = [_points(name, number) for name in FAMILIES]
    fronts = [cloud[cloud[:, 1] < 0.0] for cloud in clouds]
    table = [
        ("points", [dots(cloud) for cloud in clouds]),
        ("truth", [shaded(_clay(mesh)) for mesh in truths]),
        ("fitted", [shaded(_made(cloud).mesh) for cloud in clouds]),
        ("front half", [dots(front) for front in fronts]),
        ("completed", [shaded(_made(front, part=True).mesh) for front in fronts]),
    ]
    return table + [("between", _between(*ends)) for ends in BETWEEN]


def _fit(name: str, number: int, *, front: bool = False) -> Fit:
    points = _points(name, number)
    made = _made(points[points[:, 1] < 0.0] if front else points, part=front)
    scores = evaluate(made.mesh, thing(name, number).mesh, num_samples=SAMPLES)
    assert scores.normal_consistency is not None
    return Fit(
        mesh=made.mesh,
        residual=made.residual,
        seconds=made.seconds,
        chamfer=100.0 * scores.fraction(scores.chamfer),
        normals=scores.normal_consistency,
        f_score=scores.f_scores[0],
    )


def _made(points: NDArray[Any], *, part: bool = False) -> Fit:
    run, began = DetachedRun(), time.monotonic()
    cloud = PointCloud(positions=points.astype(np.float32))
    params = Params(resolution=96, part=part)
    mesh = infer.reconstruct(LearnedInputs(region=WHOLE, points=cloud), params, run)
    residual = next(each["residual"] for each in run.metrics if "residual" in each)
    return Fit(mesh=mesh, residual=residual, seconds=time.monotonic() - began)


def _points(name: str, number: int) -> NDArray[Any]:
    return sample(thing(name, number).mesh, POINTS, seed=1).points


def _clay(mesh: TriangleMesh) -> TriangleMesh:
    return TriangleMesh(positions=mesh.positions, triangles=mesh.triangles, normals=mesh.normals)


def _strange() -> dict[str, NDArray[Any]]:
    """What the network does not know: a chair on its head, turned, two at once, a knot."""
    chair = _points("chair", 19)
    turns = np.linspace(0.0, 2.0 * np.pi, 1500)
    knot = np.stack(
        [
            np.sin(turns) + 2.0 * np.sin(2.0 * turns),
            np.cos(turns) - 2.0 * np.cos(2.0 * turns),
            -np.sin(3.0 * turns),
        ],
        axis=-1,
    )
    away = np.random.default_rng(0).standard_normal(knot.shape)
    knot += 0.25 * away / np.linalg.norm(away, axis=1, keepdims=True)
    pair = np.concatenate([0.5 * chair - (0.5, 0.0, 0.0), 0.5 * chair + (0.5, 0.0, 0.3)])
    return {
        "upside_down": chair * (1.0, -1.0, -1.0),
        "turned": chair[:, [1, 0, 2]] * (1.0, -1.0, 1.0),
        "two": pair,
        "knot": knot,
    }


def _between(one: tuple[str, int], other: tuple[str, int]) -> list[Cell]:
    """Surfaces of codes on the straight line between those of two training things."""
    known, _ = weights.opened(
        network.AutoDecoder, SPEC.name, "", infer.BUILT_IN, torch.device("cpu")
    )
    names = list(FAMILIES)
    ends = [
        known.codes.weight[(known.family == names.index(name)).nonzero()[index, 0]]
        for name, index in (one, other)
    ]
    still = torch.zeros(1, fitting.MOVES)
    codes = network.codes_between(*ends, STEPS_BETWEEN)
    fields = (infer.field_of(known, fitting.Fit(z[None], still, torch.zeros(1))) for z in codes)
    return [shaded(surface_of(field, 64)) for field in fields]
