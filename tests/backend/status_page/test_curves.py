# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn of a run's figures, measured on the path; and how times and names are said."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkiln.status_page import words
from lightkiln.status_page.curves import EDGE, HEIGHT, WIDTH, curves

floats = st.floats(-1e12, 1e12, allow_subnormal=False)
courses = st.lists(st.tuples(st.floats(0.001, 1e6), floats), min_size=2, max_size=50).map(
    lambda rows: [
        {"seconds": at, "loss": value}
        for at, value in {
            round(at, 3): (round(at, 3), value) for at, value in sorted(rows)
        }.values()
    ]
)


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


@given(courses)
def test_a_curve_stays_in_its_drawing_and_reaches_its_edges(
    points: list[dict[str, float]],
) -> None:
    found = curves(points)
    if len(points) < 2:
        assert found == ()
        return
    (curve,) = found
    drawn = places(curve.line)
    assert len(drawn) == len(points)
    assert (drawn[0][0], drawn[-1][0]) == (0.0, WIDTH)
    assert all(one[0] <= other[0] for one, other in pairwise(drawn))
    heights = [y for _, y in drawn]
    assert EDGE <= min(heights) <= max(heights) <= HEIGHT - EDGE
    if curve.high > curve.low:
        assert (min(heights), max(heights)) == (EDGE, HEIGHT - EDGE)
    values = [point["loss"] for point in points]
    for (v1, y1), (v2, y2) in pairwise(sorted(zip(values, heights, strict=True))):
        assert v1 == v2 or y1 >= y2 - 0.1, "higher figures stand higher"


def test_what_falls_by_the_same_factor_is_a_straight_line() -> None:
    points = [{"seconds": float(n), "loss": 2.0**-n, "other": float(n)} for n in range(9)]
    loss, other = curves(points)
    assert (loss.name, other.name) == ("loss", "other")
    for curve in (loss, other):
        steps = [b[1] - a[1] for a, b in pairwise(places(curve.line))]
        assert max(steps) - min(steps) < 0.2


@given(st.text(max_size=300))
def test_a_name_is_one_line_that_runs_one_way(text: str) -> None:
    shown = words.plain(text)
    assert shown
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(each) for each in shown}
    assert [each for each in text if each.isalnum()] == [
        each for each in shown if each.isalnum()
    ], "nothing that can be read is lost"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s")),
        *((7620, "2 h 07 min"), (443_000, "5 d 3 h")),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@given(st.floats(0, 1e18))
def test_sizes_have_at_most_four_digits(num_bytes: float) -> None:
    number, unit = words.size(num_bytes).split()
    assert unit in ("B", "kB", "MB", "GB", "TB")
    assert len(number.replace(".", "")) <= 4 or unit == "TB"


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=9).map(sorted))
def test_guesses_are_near_and_in_order(seconds: list[float]) -> None:
    told = [minutes(words.about(each)) for each in seconds]
    assert told == sorted(told)
    assert all(abs(one - each / 60) < 6 for one, each in zip(told, seconds, strict=True))


def minutes(said: str) -> int:
    found = {unit: int(number) for number, unit in re.findall(r"(\d+) (h|min)", said)}
    return found.get("h", 0) * 60 + found.get("min", int("minute" in said))
