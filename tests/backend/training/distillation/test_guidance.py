# SPDX-License-Identifier: GPL-3.0-or-later
"""Guidance: what is true of it whatever the prior says."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from gaussian_prior import GaussianPrior, Normal, around
from lightkiln.priors.prior import Predicts, Style, Viewpoints
from lightkiln.training.distillation import perp_neg
from lightkiln.training.distillation.guidance import guided, rescaled
from lightkiln.training.distillation.question import Question
from lightkiln.training.distillation.recipe import DREAMFUSION, Form, Recipe

SIZE = 6


def noise(seed: int, count: int = 4) -> torch.Tensor:
    shape = (count, 3, SIZE, SIZE)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def asked(strength: float, *, rescale: float = 0.0, predicts: Predicts = Predicts.NOISE) -> Any:
    """What a prior says of one noisy picture with that guidance, and what without."""
    prior = GaussianPrior(
        prompt=Normal(noise(1), 0.1), nothing=Normal(noise(2), 0.4), predicts=predicts
    )
    question = Question(
        prior=prior,
        words=prior.words("", ""),
        viewpoints=around(4),
        style=Style.ALBEDO,
        strength=strength,
        rescale=rescale,
        perp_neg=False,
    )
    z, t = noise(3), torch.full((4,), 0.5, dtype=torch.float64)
    return question.answer(z, t), question.unprompted(z, t)


@pytest.mark.parametrize("predicts", list(Predicts))
def test_guidance_leads_from_nothing_through_the_prompt_and_beyond(predicts: Predicts) -> None:
    one, nothing = asked(1.0, predicts=predicts)
    torch.testing.assert_close(one.noise, one.plain)
    torch.testing.assert_close(asked(0.0, predicts=predicts)[0].noise, nothing)
    seven = asked(7.0, predicts=predicts)[0]
    torch.testing.assert_close(seven.noise - nothing, 7.0 * (one.plain - nothing))
    torch.testing.assert_close(seven.noise, asked(7.0)[0].noise)  # whatever it predicts


def test_guidance_is_composed_of_steps() -> None:
    without, along = noise(4), noise(5)
    twice = guided(guided(without, along, 2.0), along, 3.0)
    torch.testing.assert_close(twice, guided(without, along, 5.0))


def test_rescaling_gives_the_contrast_back_in_its_part() -> None:
    plain, strong = 0.2 * noise(6), 3.0 * noise(7)
    axes = (1, 2, 3)
    whole = rescaled(plain, strong, 1.0)
    torch.testing.assert_close(whole.std(axes), plain.std(axes))
    torch.testing.assert_close(rescaled(plain, strong, 0.0), strong)
    torch.testing.assert_close(rescaled(plain, strong, 0.5), 0.5 * (whole + strong))
    assert torch.isfinite(rescaled(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), 1.0)).all()


def test_rescaled_answers_differ_only_in_their_strength() -> None:
    one = asked(1.0, rescale=0.5)[0]
    torch.testing.assert_close(one.noise, one.plain)
    assert not torch.allclose(asked(9.0, rescale=0.5)[0].noise, asked(9.0)[0].noise)


def test_a_prior_suggests_its_guidance_and_a_recipe_may_know_better() -> None:
    assert DREAMFUSION.strength(100.0) == 100.0
    assert Recipe(form=Form.VSD).strength(100.0) == Recipe(form=Form.ISM).strength(100.0) == 7.5
    assert Recipe(form=Form.VSD).strength(3.0) == 3.0
    assert Recipe(form=Form.VSD, guidance=20.0).strength(3.0) == 20.0


def test_what_is_wrong_is_taken_off_at_right_angles_to_the_prompt() -> None:
    prompt, wrong = noise(8), noise(9)
    axes = (1, 2, 3)
    apart = perp_neg.perpendicular(wrong, prompt)
    torch.testing.assert_close((apart * prompt).sum(axes), torch.zeros(4).double())
    torch.testing.assert_close(
        perp_neg.perpendicular(apart + 3.0 * prompt, prompt), apart, rtol=1e-9, atol=1e-9
    )
    weight = torch.full((4,), 1.5, dtype=torch.float64)
    kept = perp_neg.along(prompt, [(wrong, weight), (noise(10), weight)])
    # However much is taken off, the prompt is followed as far as before.
    torch.testing.assert_close((kept * prompt).sum(axes), prompt.square().sum(axes))
    torch.testing.assert_close(perp_neg.along(prompt, [(2.0 * prompt, weight)]), prompt)


def test_no_side_is_wrong_where_one_looks_at_it_and_the_front_most_from_behind() -> None:
    turns = torch.linspace(-math.pi, math.pi, 721, dtype=torch.float64)
    views = replace(around(721, elevation=0.2), azimuth=turns)
    front, side = perp_neg.weights(views)
    at = {0: 360, 90: 540, 180: 720}
    assert float(front[at[0]]) == pytest.approx(0.0, abs=1e-3)
    assert float(side[at[90]]) == pytest.approx(0.0, abs=1e-3)
    assert int(front.argmax()) in (0, at[180])
    assert float(torch.stack([front, side]).diff().abs().max()) < 0.02  # without a jump
    torch.testing.assert_close(front, front.flip(0))
    assert float(perp_neg.weights(around(8, elevation=1.2))[0].abs().max()) == 0.0


@dataclass(frozen=True, eq=False)
class SidedPrior(GaussianPrior):
    """One that tells sides by words."""

    def sides(self, text: Normal) -> tuple[Normal, Normal]:
        return Normal(text.mean + 1.0, 0.1), Normal(text.mean - 1.0, 0.1)


def test_perp_neg_speaks_up_only_where_a_prior_tells_sides() -> None:
    def answer(kind: type[GaussianPrior], on: bool, views: Viewpoints) -> torch.Tensor:
        prior = kind(prompt=Normal(noise(1), 0.1), nothing=Normal(noise(2), 0.4))
        question = Question(
            prior=prior,
            words=prior.words("", ""),
            viewpoints=views,
            style=Style.ALBEDO,
            strength=5.0,
            rescale=0.0,
            perp_neg=on,
        )
        return question.answer(noise(3), torch.full((4,), 0.5, dtype=torch.float64)).noise

    level, above = around(4), around(4, elevation=1.2)
    plain = answer(GaussianPrior, False, level)
    torch.testing.assert_close(answer(GaussianPrior, True, level), plain)
    torch.testing.assert_close(answer(SidedPrior, True, above), plain)
    assert not torch.allclose(answer(SidedPrior, True, level), plain)
