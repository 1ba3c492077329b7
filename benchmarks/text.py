# SPDX-License-Identifier: GPL-3.0-or-later
"""Forty prompts to meshes by the real command, measured: `python -m benchmarks.text`.

Writes `docs/benchmarks/text.md`, `text.json` and `text-meshes.jpg`, a picture of every result. What
was measured before is kept: `--only N ...` runs some prompts again, `--report` none. It must not
know how figures are reckoned.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln.mesh.export import load_mesh
from lightkiln.priors.embedded.prior import open_embedded
from lightkiln.priors.embedded.renders import render
from lightkiln.priors.embedded.scenery import arranged
from lightkiln.priors.embedded.sentence import Sentence
from lightkiln.priors.manifest import Style
from lightkiln.priors.sampling import sample, steps_of
from lightkiln.training.prompt_views import four_sides
from lightkiln_shared.geometry import TriangleMesh
from PIL import Image, ImageDraw

from benchmarks.agreement import agreement
from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.missed import INSTANTS, all_missed
from benchmarks.prompted import AZIMUTHS, camera_at, seen, worth
from benchmarks.prompts import held_out
from benchmarks.recognition import ELEVATION, four_views, named
from benchmarks.run import WORK
from benchmarks.tables import table

PRESET, RECORD = "draft", DOCS / "text.json"
PAPER, CELL = 0.85, 96
"""The sheet's grey, and pixels of a picture on it."""
SOLID = 0.5
"""Alpha from which a pixel belongs to the thing."""
BARS = (
    ("shape and colour of every thing", "things_right", 0.80),
    ("relation, of pairs", "relation_right", 0.75),
)
IOU_BAR, SECONDS_BAR, MEMORY_BAR = 0.75, 360.0, 3072.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", type=int, help="which of the forty")
    parser.add_argument("--report", action="store_true", help="only write the page anew")
    asked = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"results": {}}
    sentences = held_out()
    indices = [] if asked.report else asked.only or range(len(sentences))
    for index in indices:
        result = _measured(sentences[index], WORK / f"prompt-{index:02}.ply")
        record["results"][str(index)] = result
        record |= {"date": today(), "machine": machine(), "commit": commit()}
        _write(record)
    if not asked.report:
        record["judge"], record["agreement"] = _trusted(sentences), _agreements(sentences)
        record["missed"] = all_missed()
        _write(record)
    _sheet(sentences, record["results"]).save(DOCS / "text-meshes.jpg", quality=88)
    _report(record)


def _write(record: dict[str, Any]) -> None:
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _measured(sentence: Sentence, path: Path) -> dict[str, Any]:
    seconds, peak_mb = _run(str(sentence), path)
    mesh = load_mesh(path)
    assert isinstance(mesh, TriangleMesh)  # the command writes nothing else
    found = worth(sentence, mesh)
    return {**asdict(found), "seconds": round(seconds, 1), "peak_mb": round(peak_mb)}


def _run(prompt: str, path: Path) -> tuple[float, float]:
    """Processor seconds of all threads, and megabytes of the largest process.

    The preset's time limit is lifted: the clock of a busy machine must not cut what is compared.
    """
    command = [sys.executable, "-m", "lightkiln", "text", prompt, "-o", str(path)]
    options = ["--preset", PRESET, "--set", "time_budget=100000"]
    with path.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        # Popen's own wait would drop what the system tells of this one child.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0


def _trusted(sentences: list[Sentence]) -> list[float]:
    """Of the true scenes, how many the judge names rightly: things, relations."""
    said = [(named(four_views(each), each), each) for each in sentences]
    things = np.mean([name.are_things(each) for name, each in said])
    relations = np.mean([name.is_relation(each) for name, each in said])
    return [round(float(things), 3), round(float(relations), 3)]


def _agreements(sentences: list[Sentence]) -> list[float]:
    """Of the four pictures that the prior draws first, over the prompts: mean, least."""
    prior = open_embedded(torch.device("cpu"))
    manifest, found = prior.manifest, []
    views = four_sides(manifest)
    placed = zip(views.azimuth.tolist(), views.elevation.tolist(), strict=True)
    cameras = [camera_at(azimuth, elevation) for azimuth, elevation in placed]
    for sentence in sentences:
        words = prior.words(str(sentence), "")
        drawn = sample(
            prior,
            words,
            views,
            Style.SHADED,
            spans=steps_of(30),
            guidance=manifest.guidance,
            seed=0,
        )
        found.append(agreement(drawn[:, 3].numpy() > SOLID, cameras))
    return [round(float(np.mean(found)), 3), round(float(np.min(found)), 3)]


def _sheet(sentences: list[Sentence], results: dict[str, Any]) -> Image.Image:
    """Each prompt: its true scene once, then the mesh from four sides; two prompts in a row."""
    there = [index for index in range(len(sentences)) if str(index) in results]
    rows = (len(there) + 1) // 2
    sheet = Image.new("RGB", (2 * 5 * CELL, rows * (CELL + 14)), (217, 217, 217))
    write = ImageDraw.Draw(sheet)
    for place, index in enumerate(there):
        sentence, path = sentences[index], WORK / f"prompt-{index:02}.ply"
        left, top = (place % 2) * 5 * CELL, (place // 2) * (CELL + 14)
        write.text((left + 4, top + 1), f"{sentence}  ({results[str(index)]['iou']:.2f})", "black")
        mesh = load_mesh(path)
        assert isinstance(mesh, TriangleMesh)
        pictures = [render(arranged(sentence), 0.0, ELEVATION, Style.ALBEDO) / 255.0]
        pictures += [seen(mesh, azimuth) for azimuth in AZIMUTHS]
        for column, picture in enumerate(pictures):
            shown = picture[..., :3] + PAPER * (1.0 - picture[..., 3:])
            cell = Image.fromarray((255.0 * shown).astype(np.uint8)).resize((CELL, CELL))
            sheet.paste(cell, (left + column * CELL, top + 14))
    return sheet


def _report(record: dict[str, Any]) -> None:
    results = [record["results"][key] for key in sorted(record["results"], key=int)]
    rows = [
        [
            each["prompt"], each["named"], f"{each['iou']:.2f}", f"{each['color_error']:.2f}",
            str(each["second_faces"]), f"{each['parts']}", f"{each['seconds']:.0f}",
        ]
        for each in results
    ]  # fmt: skip
    head = ["prompt", "named by the judge", "IoU", "colour off", "second faces", "parts", "core s"]
    template = Path(__file__).with_name("text.template.md").read_text()
    about = {key: record[key] for key in ("date", "machine", "commit")}
    trusted = " and ".join(f"{100 * share:.0f} %" for share in record["judge"])
    agree, least = record["agreement"]
    about |= {"judge": trusted, "agree": f"{agree:.3f}", "least": f"{least:.3f}"}
    instants = ["", *(f"t = {t}" for t in INSTANTS)]
    errors = [[name, *(f"{value:.4f}" for value in row)] for name, row in record["missed"].items()]
    about["errors"] = table(instants, errors)
    page = template.format(bars=_bars(results), all=table(head, rows), count=len(results), **about)
    (DOCS / "text.md").write_text(page)


def _bars(results: list[dict[str, Any]]) -> str:
    rows = []
    for what, key, bar in BARS:
        mine = [each for each in results if key == "things_right" or _is_pair(each)]
        share = float(np.mean([each[key] for each in mine]))
        rows.append([what, f"≥ {bar:.0%}", f"{share:.0%}", _verdict(share >= bar)])
    iou = float(np.mean([each["iou"] for each in results]))
    rows.append(
        ["IoU with the true scene, mean", f"≥ {IOU_BAR}", f"{iou:.3f}", _verdict(iou >= IOU_BAR)]
    )
    faces = sum(each["second_faces"] > 0 for each in results)
    rows.append(["meshes with a second face", "0", str(faces), _verdict(faces == 0)])
    closed = sum(not each["closed"] for each in results)
    rows.append(["meshes that are open", "0", str(closed), _verdict(closed == 0)])
    for what, key, limit in (
        ("seconds of one core", "seconds", SECONDS_BAR),
        ("MB", "peak_mb", MEMORY_BAR),
    ):
        most = max(each[key] for each in results)
        rows.append([f"{what}, the most", f"≤ {limit:.0f}", f"{most:.0f}", _verdict(most <= limit)])
    return table(["", "asked", "reached", "met"], rows)


def _is_pair(result: dict[str, Any]) -> bool:
    return any(f" {word} a" in result["prompt"] for word in ("on", "beside", "inside", "with"))


def _verdict(met: bool) -> str:
    return "yes" if met else "**no**"


if __name__ == "__main__":
    main()
