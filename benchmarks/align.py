# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures alignment: `PYTHONPATH=tests python -m benchmarks.align [--sets NAME ...]`.

Every set is given to the real command as a folder of photographs without cameras. Where the cameras
are known, the solved ones are brought onto them by the similarity that fits their centres best
(Umeyama 1991); an error is the distance of two centres in percents of the scene's size, the
diagonal of the region that the set comes with. Writes `docs/benchmarks/align.md` and `align.json`.
It must not know how photographs are aligned.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import still_life
from lightkiln.capture.open_scene import open_scene
from lightkiln_shared.camera import FloatArray
from lightkiln_shared.scene import Scene
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import DOCS, ROOT, commit, machine, today

WORK = ROOT / "build" / "benchmarks" / "align"
DATA = ROOT.parent / "shared" / "data"
SCENES = Path.home() / ".cache" / "lightkiln" / "scenes"
LARGE = 1600
"""Pixels of the photographs that the bar of time is about."""
COUNT = 30
"""Photographs that it is about."""
BAR_SECONDS, BAR_ERROR = 180.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a set."""

    name: str
    about: str
    photographs: int
    placed: int
    points: int
    reprojection: float
    """Mean, pixels of the images as matched."""
    seconds: float
    load: float
    """Processes that wanted a core when it began, the last minute's mean, ours not counted."""
    mean_error: float | None
    """Percents of the scene's size; None: the cameras are not known."""
    worst_error: float | None
    version: str


@dataclass(frozen=True, slots=True)
class Set:
    """Photographs, and their cameras if those are known."""

    about: str
    photographs: Callable[[], Path]
    truth: Callable[[], Scene] | None = None


def rendered(name: str) -> Set:
    """One of `benchmarks.scenes`."""
    return Set(
        "rendered, 400 px, alpha",
        lambda: _copied(name, SCENES / name / "images"),
        lambda: open_scene(SCENES / name)[0],
    )


def sample(name: str, about: str, known: bool) -> Set:
    """One of the sample sets; its masks go along."""
    folder = DATA / name
    return Set(
        about,
        lambda: _copied(name, folder / "images", folder / "masks"),
        (lambda: open_scene(folder)[0]) if known else None,
    )


def _copied(name: str, images: Path, masks: Path | None = None) -> Path:
    """Alone, so that no cameras lie beside them."""
    target = WORK / "photographs" / name / "images"
    shutil.rmtree(target.parent, ignore_errors=True)
    shutil.copytree(images, target)
    if masks is not None and masks.is_dir():
        shutil.copytree(masks, target.parent / "masks")
    return target


def _enlarged() -> Path:
    """The first photographs of the skull, at the size that the bar of time is about."""
    target = WORK / "photographs" / "large"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted((DATA / "skull" / "images").iterdir())[:COUNT]:
        image = Image.open(path)
        size = LARGE, round(LARGE * image.height / image.width)
        image.resize(size, Image.Resampling.LANCZOS).save(target / path.name, quality=95)
    return target


SETS = {
    "skull": sample("skull", "photographs, 1440 px", known=False),
    "large": Set(f"{COUNT} of the skull, enlarged to {LARGE} px", _enlarged),
    "tankard": sample("tankard", "turntable, 840 px, masks", known=True),
    "chair": sample("chair", "rendered, 400 px, alpha", known=True),
    **{name: rendered(name) for name in ("solid", "thin", "holes", "plain")},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=tuple(SETS), help="which sets")
    WORK.mkdir(parents=True, exist_ok=True)
    results = _read()
    for name in parser.parse_args().sets:
        results[name] = asdict(measure(name, SETS[name]))
        (DOCS / "align.json").write_text(json.dumps(results, indent=1) + "\n")
        (DOCS / "align.md").write_text(report(results), encoding="utf-8")


def measure(name: str, what: Set) -> Result:
    """Align one set with the command as it is typed."""
    photographs = what.photographs()
    output = WORK / name
    shutil.rmtree(output, ignore_errors=True)
    load, start = os.getloadavg()[0], time.perf_counter()
    command = [sys.executable, "-m", "lightkiln", "align", str(photographs), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    common: dict[str, Any] = {
        "name": name,
        "about": what.about,
        "photographs": sum(path.is_file() for path in photographs.iterdir()),
        "seconds": round(seconds, 1),
        "load": round(load, 1),
        "version": commit(),
    }
    if done.returncode:
        sys.stderr.write(done.stderr)
        none = {"placed": 0, "points": 0, "reprojection": 0.0}
        return Result(**common, **none, mean_error=None, worst_error=None)
    about = json.loads((output / "report.json").read_text())["alignment"]
    errors = None if what.truth is None else misses(open_scene(output)[0], what.truth())
    return Result(
        **common,
        placed=len(about["placed"]),
        points=about["points"],
        reprojection=round(about["reprojection_error"], 3),
        mean_error=None if errors is None else round(float(errors.mean()), 3),
        worst_error=None if errors is None else round(float(errors.max()), 3),
    )


def misses(solved: Scene, truth: Scene) -> NDArray[Any]:
    """How far each solved camera stands from the true one, percents of the scene's size."""
    known = {view.name: view.camera.centre for view in truth.views}
    found = np.stack([view.camera.centre for view in solved.views])
    true = np.stack([known[view.name] for view in solved.views])
    scale, turn, shift = still_life.similarity(found, true)
    return np.asarray(
        100.0 * np.linalg.norm(scale * found @ turn.T + shift - true, axis=1) / _size(truth, true)
    )


def _size(truth: Scene, centres: FloatArray) -> float:
    """The diagonal of the region; without one, of the box about the cameras."""
    if truth.region is None:
        return float(np.linalg.norm(np.ptp(centres, axis=0)))
    sides = 2.0 * np.linalg.norm(truth.region.world_from_region[:3, :3], axis=0)
    return float(np.linalg.norm(sides))


def report(results: dict[str, dict[str, Any]]) -> str:
    """The page."""
    rows = [_row(results[name]) for name in SETS if name in results]
    return "\n".join(
        [
            "# Alignment",
            "",
            "Photographs without cameras: `lightkiln align PHOTOS -o SCENE`, its defaults. Made",
            "by `python -m benchmarks.align`, which says how errors are measured.",
            "",
            "| set | what | placed | mean error | worst | reprojection | seconds | load before |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Bars: {COUNT} photographs of {LARGE} px in at most {BAR_SECONDS:.0f} s on 2 cores",
            f"(`large`); all placed; errors at most {BAR_ERROR} % of the scene's size rendered.",
            "A time counts only where the load before was near 0: others were at work otherwise.",
            "",
            f"{machine()}; {today()}.",
            "",
        ]
    )


def _row(result: dict[str, Any]) -> str:
    errors: Sequence[float | None] = (result["mean_error"], result["worst_error"])
    shown = ["-" if error is None else f"{error:.2f} %" for error in errors]
    cells = [
        result["name"],
        result["about"],
        f"{result['placed']} of {result['photographs']}",
        *shown,
        f"{result['reprojection']:.2f} px" if result["placed"] else "-",
        f"{result['seconds']:.0f}",
        f"{result['load']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _read() -> dict[str, dict[str, Any]]:
    path = DOCS / "align.json"
    return json.loads(path.read_text()) if path.exists() else {}


if __name__ == "__main__":
    main()
