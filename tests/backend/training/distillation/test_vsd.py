# SPDX-License-Identifier: GPL-3.0-or-later
"""The learned score, against that of a picture that never changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from gaussian_prior import GaussianPrior, Normal, around
from lightkiln.priors.prior import Style
from lightkiln.training.distillation.guide import Guide, guide_of
from lightkiln.training.distillation.recipe import Form, Recipe, Timing
from lightkiln.training.distillation.score_network import ScoreNetwork, circumstances

SIZE = 8
CPU = torch.device("cpu")
RECIPE = Recipe(form=Form.VSD, timing=Timing.UNIFORM, rescale=0.0, guidance=1.0)


def a_guide(recipe: Recipe = RECIPE) -> Guide:
    prior = GaussianPrior(
        prompt=Normal(torch.full((1, 3, SIZE, SIZE), 0.7), 0.2),
        nothing=Normal(torch.full((1, 3, SIZE, SIZE), 0.5), 0.4),
    )
    return guide_of(prior, prior.words("", ""), recipe, 0, CPU)


def test_at_first_the_renderings_look_to_it_as_to_the_prior() -> None:
    """So without guidance nothing moves, where score distillation would."""
    x = torch.rand((4, 3, SIZE, SIZE), requires_grad=True)
    a_guide()(x, around(4), Style.ALBEDO, 0.0).loss.backward()
    assert x.grad is not None
    assert float(x.grad.abs().max()) < 1e-5
    assert not ScoreNetwork(3, 0)(x, torch.zeros(4, 15)).any()


def test_the_learned_score_of_a_picture_that_never_changes_leaves_score_distillation() -> None:
    """It is (z - a x) / s, the very noise that was added."""
    x = torch.full((4, 3, SIZE, SIZE), 0.3)
    variational, plain = a_guide(), a_guide(replace(RECIPE, form=Form.SDS))
    for _ in range(250):
        variational(x, around(4), Style.ALBEDO, 0.0)
    plain.step = variational.step
    pulls = []
    for guide in (variational, plain):
        pictures = x.clone().requires_grad_()
        guide(pictures, around(4), Style.ALBEDO, 0.0).loss.backward()
        assert pictures.grad is not None
        pulls.append(pictures.grad)
    missed = (pulls[0] - pulls[1]).square().mean().sqrt() / pulls[1].square().mean().sqrt()
    assert float(missed) < 0.15


def test_a_viewpoint_is_what_tells_pictures_apart() -> None:
    t, turned = torch.full((8,), 0.5), circumstances(torch.full((8,), 0.5), around(8))
    assert torch.pdist(turned).min() > 0.1
    assert circumstances(t, around(8, elevation=0.9)).ne(turned).any()


def test_it_goes_on_as_if_nothing_had_been() -> None:
    x = torch.rand((4, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(1))

    def walked(guide: Guide, steps: int) -> dict[str, float]:
        for _ in range(steps):
            figures = guide(x, around(4), Style.ALBEDO, 0.0).figures
        return dict(figures)

    whole, first, second = a_guide(), a_guide(), a_guide()
    expected = walked(whole, 4)
    walked(first, 3)
    second.load(first.state())
    assert walked(second, 1) == pytest.approx(expected, rel=1e-6)
    second.load(a_guide().state())  # back to before anything was learned
    assert walked(second, 4) == pytest.approx(expected, rel=1e-6)
