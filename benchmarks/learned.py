# SPDX-License-Identifier: GPL-3.0-or-later
"""What the learned methods make of things that they never saw: `python -m benchmarks.learned`.

The dataset is made in `build/benchmarks/world` where it is not there. Real photographs and a CT,
which are not the project's, are shown if they are given. Writes `docs/benchmarks/learned.md`, its
figures and its sheets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.learned import catalogue
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Plan
from lightkiln.learned.world.shards import make
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file

from benchmarks import (
    learned_light,
    learned_meshes,
    learned_pictures,
    learned_points,
    learned_r2n2,
    learned_slices,
    learned_voxels,
)
from benchmarks.learned_sheet import write
from benchmarks.machine import DOCS, ROOT, commit, machine, today

WORLD = ROOT / "build" / "benchmarks" / "world"
OF_EACH = 150
PARTS = ("pictures", "views", "meshes", "points", "voxels", "slices", "light")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="*", default=PARTS)
    parser.add_argument("--world", type=Path, default=WORLD, help="a dataset of 150 of each")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], help="cut out: PNG")
    parser.add_argument(
        "--recurrent", type=Path, nargs="*", default=[], help="weights of other kernels and cells"
    )
    parser.add_argument("--ct", type=Path, help="a volume")
    options = parser.parse_args()
    make(options.world, Plan(families=tuple(FAMILIES), count=OF_EACH), lambda *_: None)
    path = DOCS / "learned.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    for part in options.only:
        record[part] = _measured(part, options)
    if options.only:
        record["weights"] = {name: _size(name) for name in catalogue.LEARNERS}
        record |= {"date": today(), "machine": machine(), "commit": commit()}
        path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    template = Path(__file__).with_name("learned.template.md").read_text()
    (DOCS / "learned.md").write_text(template.format(**record))


def _measured(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """A part's figures; its sheet beside them."""
    if part == "pictures":
        photographs = [_cut_out(each) for each in options.photographs]
        rows = learned_pictures.rows(options.world, photographs)
        write(rows, DOCS / "learned-pictures.jpg", halves=2)
        return learned_pictures.measured(options.world)
    if part == "views":
        return learned_r2n2.measured(options.world, options.recurrent)
    if part == "meshes":
        return learned_meshes.measured(options.world)
    if part == "light":
        return learned_light.measured(options.world)
    if part == "points":
        write(learned_points.rows(), DOCS / "learned-distances.jpg")
        return learned_points.measured()
    if part == "voxels":
        write(learned_voxels.rows(), DOCS / "learned-generated.jpg", halves=2)
        return learned_voxels.measured(options.world)
    figures = learned_slices.measured()
    if options.ct is not None:
        of_scan, rows = learned_slices.of_scan(options.ct)
        write(rows, DOCS / "learned-ct.jpg")
        figures |= of_scan
    return figures


def _cut_out(path: Path) -> NDArray[Any]:
    """A photograph, with a mask of its name in `masks` beside its folder as its transparency."""
    picture = Image.open(path).convert("RGBA")
    mask = path.parent.parent / "masks" / f"{path.stem}.png"
    if mask.exists():
        picture.putalpha(Image.open(mask).convert("L").resize(picture.size))
    return np.asarray(picture)


def _size(method: str) -> dict[str, float]:
    """Parameters in thousands and megabytes of a method's own weights."""
    path = catalogue.own_weights(method)
    numbers = sum(value.size for value in load_file(path).values())
    return {"mb": path.stat().st_size / 1e6, "numbers": numbers / 1e3}


if __name__ == "__main__":
    main()
