# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates: four sides of a prompt for each seed, by a prior whose pictures are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from gaussian_prior import GaussianPrior, Normal
from lightkiln.capture.inputs import TextInputs
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.text_candidates import Params, draw
from lightkiln.priors import catalogue
from lightkiln.priors.prior import Words
from lightkiln_shared.errors import InvalidPrompt, JobCancelled
from lightkiln_shared.scene import Region, RegionShape

OPEN_PRIOR = catalogue.open_prior
INPUTS = TextInputs(
    prompt="an orange dragon",
    negative="",
    region=Region(shape=RegionShape.BOX, world_from_region=np.eye(4)),
)


class Orange(GaussianPrior):
    """Everything is orange to it, and it knows no dragons."""

    def words(self, prompt: str, negative: str) -> Words:
        known = super().words(prompt, negative)
        return dataclasses.replace(known, understood="orange", unknown=("dragon",))


@pytest.fixture(autouse=True)
def orange(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = torch.tensor([0.9, 0.5, 0.1])[:, None, None].expand(3, 16, 16)
    prior = Orange(prompt=Normal(mean, 0.02), nothing=Normal(0.5 * torch.ones(3, 16, 16), 0.3))
    monkeypatch.setattr(catalogue, "open_prior", lambda name, device, tell: prior)


def test_each_seed_is_a_picture_of_four_and_unknown_words_are_named() -> None:
    run = DetachedRun(seed=7)
    found = list(draw.draw(INPUTS, Params(), run))
    assert [seed for seed, _ in found] == [7, 8, 9, 10]
    for _, pixels in found:
        assert (pixels.shape, pixels.dtype) == ((512, 512, 3), np.uint8)
        np.testing.assert_allclose(pixels.mean(axis=(0, 1)) / 255.0, (0.9, 0.5, 0.1), atol=0.03)
    assert run.warnings == [
        "This prior does not know 'dragon'; the rest was taken as: orange.",
    ]
    assert sum(phase.share for phase in run.phases) == pytest.approx(1.0)


def test_a_seed_draws_the_same_again_and_finishing_ends_with_what_there_is() -> None:
    first = next(iter(draw.draw(INPUTS, Params(), DetachedRun(seed=3))))
    run = DetachedRun(seed=2)
    kept = []
    for each in draw.draw(INPUTS, Params(), run):
        kept.append(each)
        if len(kept) == 2:
            run.finish()
    assert [seed for seed, _ in kept] == [2, 3]
    np.testing.assert_array_equal(kept[1][1], first[1])


def test_what_is_transparent_stands_before_paper() -> None:
    pictures = torch.zeros(4, 4, 8, 8)
    pictures[1] = 1.0
    shown = draw.together(pictures)
    assert np.unique(shown[:200, :200]).tolist() == [237]
    assert np.unique(shown[:200, 300:]).tolist() == [255]


def test_a_prior_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "open_prior", OPEN_PRIOR)
    with pytest.raises(InvalidPrompt) as refusal:
        next(iter(draw.draw(INPUTS, Params(prior="/no/such/folder"), DetachedRun())))
    assert refusal.value.hint


def test_a_cancel_within_a_picture_stops_it() -> None:
    class Cancelled(DetachedRun):
        def steps(self, count: int):  # type: ignore[no-untyped-def]
            yield from range(5)
            raise JobCancelled("a test")

    with pytest.raises(JobCancelled):
        next(draw.draw(INPUTS, Params(count=2, steps=30), Cancelled()))


def test_whoever_waits_no_longer_has_what_was_seen_so_far() -> None:
    class Finished(DetachedRun):
        def steps(self, count: int):  # type: ignore[no-untyped-def]
            yield from range(35)

    kept = list(draw.draw(INPUTS, Params(count=3, steps=30), Finished()))
    assert len(kept) == 2
    for _, pixels in kept:
        np.testing.assert_allclose(pixels.mean(axis=(0, 1)) / 255.0, (0.9, 0.5, 0.1), atol=0.05)
