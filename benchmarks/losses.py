# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of kiln's refinement gives: `python -m benchmarks.losses`.

Stereo is run once a scene; from its surface refinement goes on with one term more or less, always
for the same number of steps. Writes `docs/benchmarks/losses.md` and `losses.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lightkiln.capture.inputs import Inputs
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.jobs.inspection import inspected
from lightkiln.mesh.export import load_mesh
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.kiln import Params, pictures
from lightkiln.methods.kiln.refine import refine
from lightkiln.methods.kiln.start import from_stereo
from lightkiln.methods.kiln.train import stereo_settings
from lightkiln.methods.registry import params_for, spec_named
from lightkiln.metrics.surface import evaluate
from lightkiln.ops.bricks import BrickGrid
from lightkiln.stereo.estimate import estimate
from lightkiln_shared.geometry import TriangleMesh

from benchmarks.heldout import SEED
from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.measure import TRUTH
from benchmarks.run import SCENES
from benchmarks.tables import table

NAMES = ("solid", "gloss", "plain", "gloss-open", "plain-open")
ENDLESS = 1e5
"""Seconds: no clock may cut a run that is compared with another."""
START = "stereo alone"
CASES: dict[str, dict[str, Any]] = {
    "kiln draft": {},
    "without points": {"points": 0.0},
    "with patches, 0.1": {"patches": 0.1},
    "with patches, 0.5": {"patches": 0.5},
    "without the anchor to stereo": {"anchor": 0.0},
    "without curvature": {"curvature": 0.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mesh beside the truth."""

    scene: str
    case: str
    distance: float
    """The two-sided mean distance, percent of the truth's diagonal."""
    normals: float
    """Mean |cosine| between normals at nearest points."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", nargs="*", default=NAMES, help="which scenes")
    path = DOCS / "losses.json"
    record = json.loads(path.read_text()) if path.exists() else {"scores": {}}
    for scene in parser.parse_args().scenes:
        for score in _scores(scene):
            record["scores"][f"{score.scene}.{score.case}"] = asdict(score)
    record |= {"date": today(), "machine": machine(), "commit": commit(), "seed": SEED}
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    _report(record)


def _scores(scene: str) -> Iterator[Score]:
    run, truth = DetachedRun(seed=SEED), load_mesh(SCENES / scene / TRUTH)
    inputs = inspected(load_inputs(*open_scene(SCENES / scene)), False, run.warn)
    grid = estimate(inputs, stereo_settings(_params({}), inputs), run).grid

    def score(case: str, mesh: TriangleMesh) -> Score:
        found = evaluate(mesh, truth, seed=SEED)
        mean = 0.5 * (found.accuracy + found.completeness)
        return Score(
            scene=scene,
            case=case,
            distance=round(100.0 * found.fraction(mean), 4),
            normals=round(found.normal_consistency or 0.0, 4),
        )

    start = from_stereo(grid, inputs, _params({}))
    yield score(START, pictures.finished(start, inputs, _params({}).faces))
    for case, changed in CASES.items():
        yield score(case, _refined(grid, inputs, _params(changed)))


def _params(changed: dict[str, Any]) -> Params:
    params = params_for(spec_named("kiln"), "draft", {"time_budget": ENDLESS, **changed})
    assert isinstance(params, Params)
    return params


def _refined(grid: BrickGrid, inputs: Inputs, params: Params) -> TriangleMesh:
    course = from_stereo(grid, inputs, params)
    for index in range(len(course.levels)):
        refine(course, index, inputs, params, DetachedRun(seed=SEED))
    return pictures.finished(course, inputs, params.faces)


def _report(record: dict[str, Any]) -> None:
    scores = {key: Score(**values) for key, values in record["scores"].items()}
    scenes = [name for name in NAMES if any(s.scene == name for s in scores.values())]
    rows = []
    for case in (START, *CASES):
        mine = [scores.get(f"{scene}.{case}") for scene in scenes]
        rows.append([case, *(f"{s.distance:.4f} / {s.normals:.4f}" if s else "" for s in mine)])
    template = Path(__file__).with_name("losses.template.md").read_text()
    facts = {key: record[key] for key in ("date", "machine", "commit", "seed")}
    (DOCS / "losses.md").write_text(template.format(table=table(["", *scenes], rows), **facts))


if __name__ == "__main__":
    main()
