# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as Markdown, and a plot of quality against time.

It must not know how they were measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no window
from matplotlib import pyplot as plt

from benchmarks.heldout import OPEN, FieldScore
from benchmarks.measure import Result

COLOURS = {"visual-hull": "#8a8f98", "stereo": "#3f7fb5", "kiln": "#d1672b"}
MARKERS = {"draft": "o", "standard": "s", "high": "D"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What is asked of a method's preset on scenes with masks and without."""

    method: str
    preset: str
    seconds: float
    masked: float
    """Percent of the diagonal, two-sided mean distance."""
    unmasked: float


BARS = (
    Bar(method="kiln", preset="draft", seconds=90.0, masked=0.25, unmasked=0.25),
    Bar(method="kiln", preset="standard", seconds=360.0, masked=0.12, unmasked=0.18),
)
MEMORY_BAR = 4096.0
"""Megabytes of a job."""
NORMALS_BAR = 0.95
FIELD_BAR = 26.0
"""Decibels on the textured solid, standard."""


def bars_table(results: Sequence[Result], fields: Sequence[FieldScore]) -> str:
    """What is asked beside what is reached: the worst scene of each kind."""
    rows = []
    for bar in BARS:
        mine = [r for r in results if (r.method, r.preset) == (bar.method, bar.preset)]
        label = f"`{bar.method} --preset {bar.preset}`"
        for what, limit, chosen, value in (
            ("seconds to the mesh", bar.seconds, mine, lambda r: r.seconds),
            ("distance with masks, %", bar.masked, _masked(mine), lambda r: r.distance),
            ("distance without masks, %", bar.unmasked, _unmasked(mine), lambda r: r.distance),
            ("main memory, MB", MEMORY_BAR, mine, lambda r: r.peak_mb),
        ):
            if chosen:
                worst = max(chosen, key=value)
                verdict = "yes" if value(worst) <= limit else "**no**"
                reached = f"{value(worst):.3g} ({worst.scene})"
                rows.append([label, what, f"≤ {limit:g}", reached, verdict])
        if mine:
            rows += _shape_rows(label, mine)
    for score in fields:
        label = f"`{score.method} --preset {score.preset}`"
        verdict = "yes" if score.psnr >= FIELD_BAR else "**no**"
        what = "PSNR of the fitted field at held-out cameras, dB"
        reached = f"{score.psnr:.1f} ({score.scene})"
        rows.append([label, what, f"≥ {FIELD_BAR:g}", reached, verdict])
    return table(["", "what", "asked", "reached (worst scene)", "met"], rows)


def _shape_rows(label: str, mine: Sequence[Result]) -> list[list[str]]:
    """Are normals right, and holes neither lost nor invented?"""
    worst = min(mine, key=lambda r: r.normals)
    verdict = "yes" if worst.normals >= NORMALS_BAR else "**no**"
    reached = f"{worst.normals:.3f} ({worst.scene})"
    rows = [[label, "normal consistency", f"≥ {NORMALS_BAR:g}", reached, verdict]]
    wrong = [f"{r.genus} ({r.scene}, {r.true_genus})" for r in mine if r.genus != r.true_genus]
    reached = ", ".join(wrong) or "the truth's on every scene"
    verdict = "**no**" if wrong else "yes"
    return [*rows, [label, "genus", "the truth's", reached, verdict]]


def matrix_table(results: Sequence[Result], cell: Callable[[Result], str]) -> str:
    """Scenes down, methods with their presets across."""
    columns = _kinds(results)
    by_place = {(r.scene, r.method, r.preset): r for r in results}
    rows = []
    for scene in _in_order(r.scene for r in results):
        found = [by_place.get((scene, *column)) for column in columns]
        rows.append([scene, *("" if r is None else cell(r) for r in found)])
    return table(["scene", *(" ".join(column) for column in columns)], rows)


def plot(results: Sequence[Result], path: Path) -> None:
    """Distance against time, one mark for each run; hollow without masks."""
    figure, axes = plt.subplots(figsize=(7.2, 4.2), dpi=120)
    for method, preset in _kinds(results):
        for has_masks, chosen in ((True, _masked(results)), (False, _unmasked(results))):
            mine = [r for r in chosen if (r.method, r.preset) == (method, preset)]
            colour = COLOURS[method]
            axes.scatter(
                [r.seconds for r in mine],
                [r.distance for r in mine],
                marker=MARKERS[preset],
                s=34,
                facecolors=colour if has_masks else "none",
                edgecolors=colour,
                label=f"{method} {preset}" if has_masks else None,
            )
    axes.set(xscale="log", yscale="log", xlabel="seconds to the mesh")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("two-sided mean distance, % of the diagonal")
    axes.grid(which="both", alpha=0.2)
    axes.legend(frameon=False, fontsize=8, title="filled: with masks; hollow: without")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _kinds(results: Sequence[Result]) -> list[tuple[str, str]]:
    order = list(COLOURS)
    kinds = {(r.method, r.preset) for r in results}
    return sorted(kinds, key=lambda kind: (order.index(kind[0]), list(MARKERS).index(kind[1])))


def _masked(results: Iterable[Result]) -> list[Result]:
    return [r for r in results if not r.scene.endswith(OPEN)]


def _unmasked(results: Iterable[Result]) -> list[Result]:
    return [r for r in results if r.scene.endswith(OPEN)]


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(set(names), key=lambda name: (name.endswith(OPEN), name))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
