# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input at work: `python -m benchmarks.hardships` writes `docs/benchmarks/hardships.md`.

Rendered scenes are spoiled in one way each (`benchmarks/damage.py`), and the real command makes of
them what it can: a mesh and warnings, or one sentence. `--scenes` and `--only` choose; the rest
keeps its earlier figures.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import resource
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lightkiln.mesh.export import load_mesh
from lightkiln.metrics.surface import evaluate
from lightkiln_shared.geometry import TriangleMesh

from benchmarks import damage
from benchmarks.heldout import OPEN, SEED
from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.measure import TRUTH, Case, command_for
from benchmarks.run import SCENES, WORK
from benchmarks.tables import table

MADE = ("solid", "holes")
EARLY = 20.0
"""Seconds of the processor within which a run that cannot succeed says so."""
LITTLE_MEMORY = 2500 * 2**20
"""Bytes of data that a run with too little memory may have."""
SENTENCE, MESH = "a sentence", "a mesh and a warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """One way in which input is bad."""

    name: str
    words: str
    asked: str = MESH
    spoil: Callable[[damage.Spoiled], None] = damage.nothing
    suffixes: tuple[str, ...] = ("", OPEN)
    """Of the scenes that it is made of."""
    scene: str = ""
    """That it is made of, if not `MADE`."""
    method: str = "kiln"
    preset: str = "draft"
    memory: int = 0
    """Bytes of data that the run may have; 0: as many as there are."""
    measured: bool = True
    """Whether the mesh shall be the whole object."""


MASKED = ("",)
HARDSHIPS = (
    Hardship(name="none", words="undamaged", asked="a mesh"),
    Hardship(
        name="region-beside",
        words="the region beside the object",
        spoil=damage.region_beside,
        asked=SENTENCE,
        suffixes=MASKED,
    ),
    Hardship(
        name="region-across",
        words="the region cuts the object",
        spoil=damage.region_across,
        measured=False,
    ),
    Hardship(
        name="region-of-all", words="the region holds the cameras", spoil=damage.region_of_all
    ),
    Hardship(name="poses-1", words="poses off by 1 pixel", spoil=damage.noisy_poses(1.0)),
    Hardship(name="poses-2", words="poses off by 2 pixels", spoil=damage.noisy_poses(2.0)),
    Hardship(name="exposure", words="a stop brighter, a stop darker", spoil=damage.exposure_jumps),
    Hardship(
        name="masks", words="a tenth of the masks wrong", spoil=damage.wrong_masks, suffixes=MASKED
    ),
    Hardship(name="mirror", words="a mirror", scene="mirror"),
    Hardship(name="views-3", words="3 views", spoil=damage.few_views(3)),
    Hardship(name="nan", words="no number every 15 steps", method="kiln-poisoned"),
    Hardship(
        name="memory",
        words="memory too small for the preset",
        preset="high",
        memory=LITTLE_MEMORY,
        asked=SENTENCE,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run."""

    name: str
    scene: str
    seconds: float
    """Of the processor's cores together: they depend little on who else is at work."""
    distance: float | None
    """Two-sided mean, percent of the diagonal; None without a mesh, or of a part."""
    has_mesh: bool
    told: tuple[str, ...]
    """Warnings, or the one sentence."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", nargs="*", help="with their suffix")
    parser.add_argument("--only", nargs="*", default=[each.name for each in HARDSHIPS])
    chosen = parser.parse_args()
    work = WORK / "hardships"
    work.mkdir(parents=True, exist_ok=True)
    record = _read()
    for hardship in (each for each in HARDSHIPS if each.name in chosen.only):
        for scene in _scenes(hardship):
            if not chosen.scenes or scene in chosen.scenes:
                outcome = _endured(hardship, scene, work)
                logging.getLogger(__name__).warning("%s", outcome)
                record["outcomes"][f"{hardship.name}.{scene}"] = asdict(outcome)
                record |= {"date": today(), "machine": machine(), "commit": commit()}
                (DOCS / "hardships.json").write_text(json.dumps(record, indent=1) + "\n")
    _report(record)


def _scenes(hardship: Hardship) -> list[str]:
    names = (hardship.scene,) if hardship.scene else MADE
    return [f"{name}{suffix}" for name in names for suffix in hardship.suffixes]


def _endured(hardship: Hardship, scene: str, work: Path) -> Outcome:
    """Spoil, run, compare."""
    case = Case(scene=f"{hardship.name}.{scene}", method=hardship.method, preset=hardship.preset)
    damage.damaged(SCENES / scene, hardship.spoil, work / case.scene)
    mesh = work / f"{case.name}.glb"
    for old in (mesh, mesh.with_suffix(".json")):
        old.unlink(missing_ok=True)
    seconds, said = _run([*command_for(case, work, mesh), "--report"], hardship.memory)
    mesh.with_suffix(".log").write_text(said)
    told = [_sentence(said)]
    distance = None
    if mesh.exists():
        told = json.loads(mesh.with_suffix(".json").read_text())["warnings"]
        distance = _distance(mesh, SCENES / scene) if hardship.measured else None
    return Outcome(
        name=hardship.name,
        scene=scene,
        seconds=round(seconds, 1),
        distance=distance,
        has_mesh=mesh.exists(),
        told=tuple(told),
    )


def _run(command: Sequence[str], memory: int) -> tuple[float, str]:
    """Seconds of the processor, and what the command said."""

    def limit() -> None:
        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    before = _processor_seconds()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
        env=os.environ | {"LIGHTKILN_METHODS": "benchmarks.poisoned:SPEC", "COLUMNS": "10000"},
    )
    return _processor_seconds() - before, done.stdout + done.stderr


def _processor_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _sentence(said: str) -> str:
    """The command's last words, without its frame."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    lines = [line.strip("│╭╰╮╯─ ") for line in plain.splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _distance(mesh: Path, scene: Path) -> float:
    made, truth = load_mesh(mesh), load_mesh(scene / TRUTH)
    assert isinstance(made, TriangleMesh)  # the command writes nothing else
    scores = evaluate(made, truth, seed=SEED)
    return round(50.0 * scores.fraction(scores.accuracy + scores.completeness), 4)


def _read() -> dict[str, Any]:
    path = DOCS / "hardships.json"
    return json.loads(path.read_text()) if path.exists() else {"outcomes": {}}


def _report(record: dict[str, Any]) -> None:
    outcomes = [Outcome(**values) for values in record["outcomes"].values()]
    undamaged = {each.scene: each.distance for each in outcomes if each.name == "none"}
    rows = [
        _row(hardship, each, undamaged.get(each.scene))
        for hardship in HARDSHIPS
        for each in outcomes
        if each.name == hardship.name
    ]
    header = [
        "damage",
        "scene",
        "asked",
        "undamaged, %",
        "damaged, %",
        "processor, s",
        "told",
        "met",
    ]
    text = Path(__file__).with_name("hardships.template.md").read_text()
    about = {key: record[key] for key in ("date", "machine", "commit")}
    (DOCS / "hardships.md").write_text(
        text.format(table=table(header, rows), early=EARLY, seed=SEED, **about)
    )


def _row(hardship: Hardship, outcome: Outcome, undamaged: float | None) -> list[str]:
    return [
        hardship.words,
        outcome.scene,
        hardship.asked,
        "" if undamaged is None else f"{undamaged:.3f}",
        _reached(outcome),
        f"{outcome.seconds:.0f}",
        " ".join(outcome.told),
        "yes" if _is_met(hardship, outcome) else "**no**",
    ]


def _reached(outcome: Outcome) -> str:
    if not outcome.has_mesh:
        return "no mesh"
    return "a part" if outcome.distance is None else f"{outcome.distance:.3f}"


def _is_met(hardship: Hardship, outcome: Outcome) -> bool:
    if not outcome.has_mesh:
        return hardship.name != "none" and bool(outcome.told) and outcome.seconds <= EARLY
    return hardship.name == "none" or bool(outcome.told)


if __name__ == "__main__":
    main()
