# SPDX-License-Identifier: GPL-3.0-or-later
"""How much chance is in each estimator of score distillation: `python -m benchmarks.distillation`.

The prior is a normal distribution of pictures, so that all that should come out is known: see
`tests/gaussian_prior.py`. Writes `docs/benchmarks/distillation.md` and `distillation.json`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from gaussian_prior import GaussianPrior, Normal, around
from lightkiln.priors.prior import Style
from lightkiln.training.distillation.guide import Guide, guide_of
from lightkiln.training.distillation.recipe import DREAMFUSION, Form, Recipe, Timing
from torch import Tensor

from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.tables import table

SIZE, VIEWS, SEEDS = 16, 4, (0, 1, 2)
DEVIATION = 0.1
"""Of the prompt's pictures, in each pixel."""
STEPS, RATE = 600, 0.05
DRAWS, AT = 400, (0.3, 0.6, 0.9)
WARM = 400
"""Steps in which a learned score gets to know the picture before it is looked at."""
CPU = torch.device("cpu")
PLAIN = replace(DREAMFUSION, guidance=1.0)
RECIPES = {
    "score distillation, uniform t": PLAIN,
    "the same, annealed t": replace(PLAIN, timing=Timing.ANNEALED),
    "the same, one t that falls like a root": replace(PLAIN, timing=Timing.SQUARE_ROOT),
    "reconstruction, uniform t": replace(PLAIN, form=Form.RECONSTRUCTION),
    "reconstruction, annealed t": replace(PLAIN, form=Form.RECONSTRUCTION, timing=Timing.ANNEALED),
    "variational, uniform t": replace(PLAIN, form=Form.VSD),
    "interval score matching, uniform t": replace(PLAIN, form=Form.ISM),
}
STRENGTHS = (1.0, 3.0, 7.5, 30.0, 100.0)
RESCALES = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of an estimator."""

    name: str
    chance: tuple[float, ...]
    """Deviation of the gradient by chance, in parts of its mean, at each t of `AT`."""
    overall: float
    """The same over its own t at the run's middle."""
    missed: float
    """What free pixels miss the mean by after `STEPS` steps, root mean square, percent."""
    seconds: float
    """Of a step, without the prior's own."""


def a_prior(same_middle: bool) -> GaussianPrior:
    """`same_middle`: unprompted pictures have the prompt's mean; else they are grey."""
    mean = torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(1))
    middle = mean if same_middle else torch.full_like(mean, 0.5)
    return GaussianPrior(prompt=Normal(mean, DEVIATION), nothing=Normal(middle, 4.0 * DEVIATION))


def a_guide(prior: GaussianPrior, recipe: Recipe, seed: int) -> Guide:
    return guide_of(prior, prior.words("", ""), recipe, seed, CPU)


def gradients(guide: Guide, count: int, x: Tensor) -> Tensor:
    """Of pictures that are all alike, (count, 3, SIZE, SIZE)."""
    found = []
    for _ in range(count // VIEWS):
        pictures = x.expand(VIEWS, -1, -1, -1).clone().requires_grad_()
        guide(pictures, around(VIEWS), Style.ALBEDO, 0.5).loss.backward()  # type: ignore[no-untyped-call]
        assert pictures.grad is not None
        found.append(VIEWS * pictures.grad)
    return torch.cat(found)


def chance(prior: GaussianPrior, recipe: Recipe) -> float:
    """Deviation over mean, both as root mean squares."""
    x = torch.full((1, 3, SIZE, SIZE), 0.4)
    guide = a_guide(prior, recipe, 0)
    if recipe.form is Form.VSD:
        gradients(guide, WARM * VIEWS, x)
    found = gradients(guide, DRAWS, x)
    mean = found.mean(0).square().mean().sqrt()
    return float(found.std(0).square().mean().sqrt() / mean)


def fitted(prior: GaussianPrior, recipe: Recipe, seed: int) -> tuple[Tensor, float]:
    """Free pixels after `STEPS` steps of Adam, and the seconds of a step."""
    pixels = torch.full((1, 3, SIZE, SIZE), 0.5, requires_grad=True)
    guide, optimiser = a_guide(prior, recipe, seed), torch.optim.Adam([pixels], lr=RATE)
    began = time.perf_counter()
    for step in range(STEPS):
        u = step / STEPS
        optimiser.param_groups[0]["lr"] = RATE * (1.0 - u) ** 2
        optimiser.zero_grad()
        guide(pixels.expand(VIEWS, -1, -1, -1), around(VIEWS), Style.ALBEDO, u).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return pixels.detach(), (time.perf_counter() - began) / STEPS


def main() -> None:
    torch.set_num_threads(1)
    prior = a_prior(same_middle=True)
    scores = [_score(prior, name, recipe) for name, recipe in RECIPES.items()]
    record = {
        "scores": [asdict(score) for score in scores],
        "contrast": {f"{g:g}": [_contrast(g, part) for part in RESCALES] for g in STRENGTHS},
        **{"date": today(), "machine": machine(), "commit": commit()},
    }
    (DOCS / "distillation.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    _report(record)


def _score(prior: GaussianPrior, name: str, recipe: Recipe) -> Score:
    at = [replace(recipe, timing=Timing.UNIFORM, least=t, most=t) for t in AT]
    runs = [fitted(prior, recipe, seed) for seed in SEEDS]
    missed = [float((found - prior.prompt.mean).square().mean().sqrt()) for found, _ in runs]
    return Score(
        name=name,
        chance=tuple(round(chance(prior, each), 4) for each in at),
        overall=round(chance(prior, recipe), 3),
        missed=round(100.0 * sum(missed) / len(missed), 3),
        seconds=round(min(seconds for _, seconds in runs), 5),
    )


def _contrast(strength: float, rescale: float) -> float:
    """Of the fitted pixels, in parts of that of the prompt's mean."""
    prior = a_prior(same_middle=False)
    recipe = Recipe(guidance=strength, rescale=rescale)
    return round(float(fitted(prior, recipe, 0)[0].std() / prior.prompt.mean.std()), 3)


def _report(record: dict[str, Any]) -> None:
    scores = [Score(**each) for each in record["scores"]]
    rows = [
        [s.name, *(f"{c:.3f}" for c in s.chance), f"{s.overall:.2f}", f"{s.missed:.2f}",
         f"{1e3 * s.seconds:.1f}"]
        for s in scores
    ]  # fmt: skip
    head = ["", *(f"t = {t:g}" for t in AT), "over its own t", "off the mean, %", "ms a step"]
    shown: Callable[[float], str] = "{:.2f}".format
    contrast = [[g, *map(shown, found)] for g, found in record["contrast"].items()]
    template = Path(__file__).with_name("distillation.template.md").read_text()
    facts = {key: record[key] for key in ("date", "machine", "commit")}
    page = template.format(
        chance=table(head, rows),
        contrast=table(["guidance", *(f"rescale {part:g}" for part in RESCALES)], contrast),
        steps=STEPS,
        seeds=len(SEEDS),
        draws=DRAWS,
        **facts,
    )
    (DOCS / "distillation.md").write_text(page)


if __name__ == "__main__":
    main()
