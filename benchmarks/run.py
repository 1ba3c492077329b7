# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the methods on the rendered scenes: `python -m benchmarks.run`.

Writes `docs/benchmarks/surfaces.md` with its figures in `surfaces.json`, a plot and a sheet of the
meshes. `--scenes` and `--kinds` choose what is measured; the rest keeps its earlier figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightkiln.methods.registry import spec_named

from benchmarks import tables
from benchmarks.heldout import OPEN, SEED, FieldScore, field_psnr
from benchmarks.machine import DOCS, ROOT, commit, machine, today
from benchmarks.measure import TRUTH, Case, Result, command_for, measure
from benchmarks.sheet import draw_sheet
from tests.addon.environments import python_of

WORK = ROOT / "build" / "benchmarks"
SCENES = Path.home() / ".cache" / "lightkiln" / "scenes"
NAMES = tuple(
    f"{name}{end}" for end in ("", OPEN) for name in ("solid", "thin", "holes", "plain", "gloss")
)
KINDS = ("visual-hull.standard", "stereo.standard", "kiln.draft", "kiln.standard")
FIELD = Case(scene="solid", method="kiln", preset="standard")
FIELD_KIND = "field"
"""Not a run of the command: the fitted field itself, for its PSNR."""
BLENDER = "4.5.15"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", nargs="*", default=NAMES, help="which scenes")
    parser.add_argument(
        "--kinds", nargs="*", default=(*KINDS, FIELD_KIND), help="METHOD.PRESET, field"
    )
    chosen = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    record = _read()
    _render_missing(chosen.scenes)
    for case in _cases(chosen.scenes, chosen.kinds):
        record["results"][case.name] = asdict(measure(case, SCENES, WORK))
        _write(record)
    if FIELD_KIND in chosen.kinds:
        picture = WORK / f"{FIELD.name}.field.png"
        score = field_psnr(SCENES / FIELD.scene, FIELD.method, FIELD.preset, picture)
        record["fields"][FIELD.name] = asdict(score)
    _write(record)
    _report(record)


def _render_missing(names: Sequence[str]) -> None:
    """Photograph the scenes that are not there yet: some minutes each, once."""
    missing = {n.removesuffix(OPEN) for n in names if not (SCENES / n / TRUTH).exists()}
    if missing:
        command = [python_of(BLENDER), "-m", "benchmarks.scenes", SCENES, *sorted(missing)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _cases(scenes: Sequence[str], kinds: Sequence[str]) -> list[Case]:
    pairs = (tuple(kind.split(".")) for kind in kinds if kind != FIELD_KIND)
    return [
        Case(scene=scene, method=method, preset=preset)
        for method, preset in pairs
        for scene in scenes
        if not (spec_named(method).wants_masks and scene.endswith(OPEN))
    ]


def _read() -> dict[str, Any]:
    path = DOCS / "surfaces.json"
    return json.loads(path.read_text()) if path.exists() else {"results": {}, "fields": {}}


def _write(record: dict[str, Any]) -> None:
    record |= {
        "date": today(),
        "machine": machine(),
        "seed": SEED,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "commit": commit(),
    }
    (DOCS / "surfaces.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _report(record: dict[str, Any]) -> None:
    results = [Result(**values) for values in record["results"].values()]
    fields = [FieldScore(**values) for values in record["fields"].values()]
    names = [name for name in NAMES if any(r.scene == name for r in results)]
    tables.plot(results, DOCS / "surfaces.png")
    draw_sheet(SCENES, names, KINDS, WORK, DOCS / "surfaces-meshes.jpg")
    example = Case(scene="SCENE", method="METHOD", preset="PRESET")
    words = command_for(example, Path(), Path("OUT.glb"))[2:]
    template = Path(__file__).with_name("surfaces.template.md").read_text()
    text = template.format(
        command=" ".join(words),
        bars=tables.bars_table(results, fields),
        distance=tables.matrix_table(results, lambda r: f"{r.distance:.3f}"),
        sides=tables.matrix_table(results, lambda r: f"{r.accuracy:.3f} / {r.completeness:.3f}"),
        shape=tables.matrix_table(results, lambda r: f"{r.f_score:.1f} / {r.normals:.3f}"),
        psnr=tables.matrix_table(results, lambda r: f"{r.psnr:.1f}"),
        cost=tables.matrix_table(results, lambda r: f"{r.seconds:.0f} s, {r.peak_mb:.0f} MB"),
        **{key: record[key] for key in ("date", "machine", "seed", "versions", "commit")},
    )
    (DOCS / "surfaces.md").write_text(text)


if __name__ == "__main__":
    main()
