# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a run's figures for whoever draws them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from lightkiln.jobs.figures import Figures, read


def test_a_day_of_steps_becomes_about_a_thousand_points(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    figures = Figures(path)
    for step in range(86_400):
        figures.add(float(step), {"loss": 1.0 / (1 + step)})
    points = read(path)
    assert 500 < len(points) < 1200
    assert all(b["seconds"] >= 1.01 * a["seconds"] for a, b in pairwise(points))
    assert all(point["loss"] == 1.0 / (1 + point["seconds"]) for point in points)
    assert points[-1]["seconds"] > 0.98 * 86_399


def test_an_attempt_that_went_back_replaces_what_it_redid(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    for attempt, start in ((1.0, 0), (2.0, 50)):
        figures = Figures(path)
        for second in range(start, start + 60):
            figures.add(float(second), {"attempt": attempt})
    points = read(path)
    assert [p["seconds"] for p in points] == sorted({p["seconds"] for p in points})
    assert {p["attempt"] for p in points if p["seconds"] < 50} == {1.0}
    assert {p["attempt"] for p in points if p["seconds"] >= 50} == {2.0}


def test_half_a_line_and_a_missing_file_cost_no_more_than_that(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    assert read(path) == []
    Figures(path).add(1.0, {"loss": 0.5})
    with path.open("ab") as file:
        file.write(b'{"seconds": 2.0, "lo\n"text"\n{"loss": 1}\n{"seconds": 3.0, "loss": 0.25}\n')
    assert read(path) == [{"loss": 0.5, "seconds": 1.0}, {"loss": 0.25, "seconds": 3.0}]
    Figures(tmp_path / "nowhere" / "figures.jsonl").add(1.0, {"loss": 0.5})
