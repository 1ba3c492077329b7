# SPDX-License-Identifier: GPL-3.0-or-later
"""Score distillation against priors whose score is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gaussian_prior import GaussianPrior, Normal, around
from lightkiln.priors.prior import Predicts, Style
from lightkiln.training.distillation import timesteps
from lightkiln.training.distillation.guide import Guide, guide_of
from lightkiln.training.distillation.recipe import DREAMFUSION, Form, Recipe, Timing, Weighting
from lightkiln.training.distillation.weighting import weight

SIZE = 8
CPU = torch.device("cpu")
PLAIN = Recipe(timing=Timing.UNIFORM, rescale=0.0)


def a_prior(deviation: float = 0.1, predicts: Predicts = Predicts.NOISE) -> GaussianPrior:
    mean = torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(1))
    return GaussianPrior(
        prompt=Normal(mean, deviation),
        nothing=Normal(torch.full_like(mean, 0.5), 4.0 * deviation),
        predicts=predicts,
    )


def a_guide(prior: GaussianPrior, recipe: Recipe, seed: int = 0) -> Guide:
    return guide_of(prior, prior.words("anything", ""), recipe, seed, CPU)


def gradients(prior: GaussianPrior, recipe: Recipe, x: torch.Tensor, count: int) -> torch.Tensor:
    """Those of `count` pictures alike, (count, 3, SIZE, SIZE)."""
    pictures = x.expand(count, -1, -1, -1).clone().requires_grad_()
    guidance = a_guide(prior, recipe)(pictures, around(count), Style.ALBEDO, 0.0)
    guidance.loss.backward()
    assert pictures.grad is not None
    return pictures.grad * count


def level(t: float) -> dict[str, float]:
    return {"least": t, "most": t}


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_the_mean_gradient_of_score_distillation_is_the_formula(t: float) -> None:
    prior, x = a_prior(), torch.full((1, 3, SIZE, SIZE), 0.3)
    recipe = replace(DREAMFUSION, **level(t))
    found = gradients(prior, recipe, x, 4000)
    power = float(prior.abar(torch.tensor([t])))
    a, s, spread = power**0.5, (1.0 - power) ** 0.5, power * 0.1**2 + 1.0 - power
    expected = s**2 * (s * a / spread) * (x - prior.prompt.mean)[0]
    deviation = s**2 * (power * 0.1**2 / spread)  # of one pixel of one picture, by the noise
    assert float((found.mean(0) - expected).abs().max()) < 5.0 * deviation / 4000**0.5
    assert float(found.std(0).mean()) == pytest.approx(deviation, rel=0.02)


def test_reconstruction_is_score_distillation_with_another_weight() -> None:
    prior, x = a_prior(), torch.full((1, 3, SIZE, SIZE), 0.3)
    uniform = replace(DREAMFUSION, weighting=Weighting.UNIFORM, **level(0.6))
    power = float(prior.abar(torch.tensor([0.6])))
    score = gradients(prior, uniform, x, 4) * ((1.0 - power) / power) ** 0.5
    torch.testing.assert_close(gradients(prior, replace(PLAIN, **level(0.6)), x, 4), score)


FORMS = [Form.SDS, Form.RECONSTRUCTION, Form.ISM]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rescale", [0.0, 0.5])
def test_noise_and_velocity_say_the_same(form: Form, rescale: float) -> None:
    x = torch.rand((4, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(2))
    recipe = Recipe(form=form, guidance=5.0, rescale=rescale)
    noise, velocity = (
        a_guide(a_prior(predicts=predicts), recipe)(x, around(4), Style.ALBEDO, 0.4)
        for predicts in Predicts
    )
    torch.testing.assert_close(noise.clean, velocity.clean, rtol=1e-3, atol=1e-3)
    assert noise.figures == pytest.approx(velocity.figures, rel=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_free_pixels_come_to_the_mean(form: Form) -> None:
    prior = a_prior()
    if form is Form.ISM:  # it goes on past the mean, away from what the prior sees unprompted
        prior = replace(prior, nothing=Normal(prior.prompt.mean, 0.4))
    pixels = torch.full((1, 3, SIZE, SIZE), 0.5, requires_grad=True)
    guide, steps = a_guide(prior, replace(PLAIN, form=form)), 500
    optimiser = torch.optim.Adam([pixels], lr=0.05)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.05 * (1.0 - step / steps) ** 2
        optimiser.zero_grad()
        pictures = pixels.expand(4, -1, -1, -1)
        guide(pictures, around(4), Style.ALBEDO, step / steps).loss.backward()
        optimiser.step()
    assert float((pixels.detach() - prior.prompt.mean).abs().max()) < 0.01


def test_interval_score_matching_is_silent_where_the_prior_agrees() -> None:
    """Of a point, seen with the prompt as without it, whatever the noise at the start."""
    prior, ism = a_prior(deviation=0.0), replace(PLAIN, form=Form.ISM)
    assert float(gradients(prior, ism, prior.prompt.mean, 4).abs().max()) > 1e-2
    same = GaussianPrior(prompt=prior.prompt, nothing=prior.prompt)
    assert float(gradients(same, ism, prior.prompt.mean, 4).abs().max()) < 1e-4


def test_interval_score_matching_of_points_is_what_parts_them() -> None:
    """Of a point the way back is straight: e(z_s) stays, and the points' difference is left."""
    here, there = torch.zeros((1, 3, SIZE, SIZE)), torch.ones((1, 3, SIZE, SIZE))
    prior = GaussianPrior(prompt=Normal(there, 0.0), nothing=Normal(here, 0.0))
    recipe = Recipe(form=Form.ISM, guidance=3.0, rescale=0.0, weighting=Weighting.UNIFORM)
    found = gradients(prior, replace(recipe, **level(0.5), timing=Timing.UNIFORM), here + 0.4, 2)
    torch.testing.assert_close(found, -3.0 * torch.ones_like(found), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("timing", list(Timing))
def test_levels_stay_in_their_range(timing: Timing) -> None:
    recipe, draw = Recipe(timing=timing), torch.Generator().manual_seed(0)
    for u in np.linspace(0.0, 1.0, 11):
        drawn = timesteps.drawn(recipe, float(u), 64, 4, draw)
        assert float(drawn.min()) >= recipe.least - 1e-6
        assert float(drawn.max()) <= timesteps.upper_end(recipe, float(u)) + 1e-6
        assert len(drawn.reshape(-1, 4).unique(dim=1)[0]) == 1  # four denoised as one


def test_levels_come_down_as_the_papers_say() -> None:
    annealed = Recipe(timing=Timing.ANNEALED)
    assert [timesteps.upper_end(annealed, u) for u in (0.0, 0.4, 0.8, 1.0)] == pytest.approx(
        [0.98, 0.74, 0.5, 0.5]
    )
    root = Recipe(timing=Timing.SQUARE_ROOT)
    assert [timesteps.square_root(root, u) for u in (0.0, 0.25, 1.0)] == pytest.approx(
        [0.98, 0.5, 0.02]
    )
    assert timesteps.upper_end(DREAMFUSION, 1.0) == 0.98


@pytest.mark.parametrize("form", FORMS)
def test_a_step_is_decided_by_seed_and_number(form: Form) -> None:
    x = torch.full((4, 3, SIZE, SIZE), 0.3)
    recipe = Recipe(form=form)
    guide = a_guide(a_prior(), recipe, seed=7)
    first, second = (guide(x, around(4), Style.ALBEDO, 0.1).clean for _ in range(2))
    assert not torch.equal(first, second)
    again = a_guide(a_prior(), recipe, seed=7)
    again.load({**guide.state(), "step": np.array(1)})
    assert torch.equal(again(x, around(4), Style.ALBEDO, 0.1).clean, second)


def test_renderings_of_another_size_get_their_gradient() -> None:
    pictures = torch.rand((4, 3, 5, 5), requires_grad=True)
    a_guide(a_prior(), Recipe())(pictures, around(4), Style.ALBEDO, 0.0).loss.backward()
    assert pictures.grad is not None
    assert float(pictures.grad.abs().min()) > 0.0


def test_weights_of_levels_are_those_of_the_papers() -> None:
    abar = torch.tensor([0.36])
    found = {kind: float(weight(kind, abar)) for kind in Weighting}
    assert found == pytest.approx({"variance": 0.64, "uniform": 1.0, "balanced": 0.384})
