# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's report: nothing beside it is needed, nothing in it is lost."""

from __future__ import annotations

import html.parser
import itertools
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demo import charts
from demo.report import MAX_STILLS, write_report
from demo.story import Side, Still, Story, load, save, spread

finite = st.floats(-1e6, 1e6)


class _Page(html.parser.HTMLParser):
    """Everything that a page wants from elsewhere, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.num_pictures = 0
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.num_pictures += tag == "img"
        links = [value or "" for name, value in attrs if name in ("src", "href")]
        self.outside += [link for link in links if not link.startswith("data:image/webp;base64,")]


def _story(folder: Path, num_stills: int) -> Story:
    names = [f"{index}.png" for index in range(num_stills + 3)]
    for name in names:
        Image.fromarray(np.zeros((8, 12, 4), dtype=np.uint8)).save(folder / name)
    return Story(
        title="<script>a jug</script>",
        method="kiln",
        preset="draft",
        num_views=3,
        times=[("Reconstruction", 2.0), ("Saving", 0.5)],
        curves={"psnr": [(1.0, 20.0), (2.0, 22.0)], "once": [(1.0, 1.0)]},
        warnings=["A & B."],
        stills=[
            Still(seconds=float(index), phase="refine", picture=name)
            for index, name in enumerate(names[3:])
        ],
        sides=[Side(camera="view", photograph=names[0], coloured=names[1], clay=names[2])],
    )


def test_a_report_holds_every_picture_and_asks_for_nothing_else(tmp_path: Path) -> None:
    save(_story(tmp_path, 2), tmp_path)
    write_report(load(tmp_path), tmp_path, tmp_path / "report.html")
    page, text = _Page(), (tmp_path / "report.html").read_text()
    page.feed(text)
    assert page.num_pictures == 5
    assert page.outside == []
    assert "script" not in page.tags
    assert "A &amp; B." in text
    assert page.tags.count("svg") == 1  # one point is no curve


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_stills_are_thinned_to_a_page_with_the_first_and_the_last(count: int, random) -> None:
    moments = sorted(random.uniform(0.0, 100.0) for _ in range(count))
    stills = [Still(seconds=moment, phase="", picture="") for moment in moments]
    kept = spread(stills, MAX_STILLS)
    assert len(kept) <= MAX_STILLS
    assert {kept[0].seconds, kept[-1].seconds} == {moments[0], moments[-1]}
    assert [still.seconds for still in kept] == sorted(still.seconds for still in kept)


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
def test_a_curve_stays_inside_its_axes(pairs: list[tuple[float, float]]) -> None:
    points = sorted(pairs)
    drawn = charts.line_chart("loss", "", points)
    path = drawn.partition('class="curve" d="M')[2].partition('"')[0]
    places = [tuple(map(float, place.split())) for place in path.split("L")]
    assert len(places) == len(points)
    for (x, y), (later, _) in itertools.pairwise([*places, places[-1]]):
        assert charts.LEFT - 0.1 <= x <= charts.WIDTH - charts.RIGHT + 0.1
        assert charts.TOP - 0.1 <= y <= charts.HEIGHT - charts.BOTTOM + 0.1
        assert x <= later
