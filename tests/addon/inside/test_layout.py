# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences and figures as the panels show them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from conftest import module

SENTENCE = "No cameras are selected: select the cameras whose images shall be used."


@pytest.mark.parametrize("room", [1, 7, 11, 24, 40, 500])
def test_a_sentence_keeps_its_words_and_its_lines_their_width(room: int) -> None:
    lines = module("panels.layout").broken(SENTENCE, room, len)
    assert " ".join(lines) == SENTENCE
    assert all(len(line) <= room or " " not in line for line in lines)
    together = [f"{a} {b.split()[0]}" for a, b in pairwise(lines)]
    assert all(len(each) > room for each in together), "a line has room for the next word"


@pytest.mark.parametrize(
    ("value", "text"),
    [(95965.0, "95,965"), (0.29609, "0.2961"), (31.24, "31.24"), (24.0, "24"), (12345.6, "12,346")],
)
def test_figures_are_for_people(value: float, text: str) -> None:
    assert module("panels.layout").figure(value) == text
