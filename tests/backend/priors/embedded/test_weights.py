# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights that come with Lightkiln draw what was asked for, from the right side."""

import numpy as np
import pytest
import torch
from lightkiln.priors.embedded.prior import WEIGHTS, EmbeddedPrior, open_embedded
from lightkiln.priors.embedded.renders import render
from lightkiln.priors.embedded.scenery import arranged
from lightkiln.priors.embedded.sentence import read
from lightkiln.priors.manifest import Style
from lightkiln.priors.prior import Viewpoints
from lightkiln.priors.sampling import sample, steps_of

PROMPTS = (
    "a red torus on a blue cube",
    "a green mug",
    "a pink sphere inside a white bowl",
)
AZIMUTHS, ELEVATION = (0.0, 1.57), 0.35
STEPS = 8


@pytest.fixture(scope="module")
def prior() -> EmbeddedPrior:
    return open_embedded(torch.device("cpu"))


def test_they_are_small_enough_to_come_along() -> None:
    assert WEIGHTS.stat().st_size <= 30 * 2**20


def test_what_they_draw_is_nearer_to_its_own_prompt_than_to_any_other(prior: EmbeddedPrior) -> None:
    true = np.stack([_true(prompt) for prompt in PROMPTS])
    for index, prompt in enumerate(PROMPTS):
        apart = ((true - _drawn(prior, prompt)) ** 2).mean(axis=(1, 2, 3, 4))
        assert int(apart.argmin()) == index, prompt


def _drawn(prior: EmbeddedPrior, prompt: str) -> np.ndarray:
    one = torch.ones(len(AZIMUTHS))
    viewpoints = Viewpoints(
        azimuth=torch.tensor(AZIMUTHS),
        elevation=ELEVATION * one,
        distance=prior.manifest.distance[0] * one,
        fov=prior.manifest.fov[0] * one,
    )
    words = prior.words(prompt, "")
    made = sample(
        prior,
        words,
        viewpoints,
        Style.ALBEDO,
        spans=steps_of(STEPS),
        guidance=prior.manifest.guidance,
        seed=0,
    )
    return made.permute(0, 2, 3, 1).numpy()


def _true(prompt: str) -> np.ndarray:
    scenery = arranged(read(prompt)[0])
    return np.stack([render(scenery, a, ELEVATION, Style.ALBEDO) / 255.0 for a in AZIMUTHS])
