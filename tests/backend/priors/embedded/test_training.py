# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in prior learns, goes on where it was broken off, and knows what it was taught."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightkiln.learned.course import STATE, Course, Recipe, train
from lightkiln.learned.lesson import Batch
from lightkiln.learned.prior.lesson import prior
from lightkiln.learned.world.plan import Split
from lightkiln.priors.embedded.pictures import drawn
from lightkiln.priors.embedded.prior import new_network, open_embedded, to_camera
from lightkiln.priors.embedded.renders import camera_axes
from lightkiln.priors.manifest import Style
from lightkiln.priors.prior import Viewpoints
from lightkiln.training.processes import Group
from lightkiln_shared.errors import InvalidPrompt
from safetensors.torch import load_file

CPU = torch.device("cpu")
ALONE = Group(0, 1, CPU)


def test_a_broken_off_training_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    lesson, about = prior(None, Split.VALIDATION, {})
    recipe = Recipe(steps=4, minutes=1e9, batch=1)

    def begun(name: str) -> Course:
        (tmp_path / name).mkdir(exist_ok=True)
        return Course(lesson, about, tmp_path / name, recipe, ALONE)

    def shown(step: int) -> Batch:
        return lesson.batch(np.random.default_rng(step), 1)

    whole = begun("whole")
    for step in range(4):
        whole.learn(shown(step))
    broken = begun("broken")
    for step in range(4):
        if step == 2:
            broken.save()
            broken = begun("broken")
        assert broken.pupil.step == step
        broken.learn(shown(step))
    for course in (whole, broken):
        course.save()
    first, second = (load_file(tmp_path / name / STATE) for name in ("whole", "broken"))
    for name in first.keys() - {"place"}:
        assert torch.equal(first[name], second[name]), name


def test_what_is_told_reaches_every_parameter() -> None:
    network, shown = new_network(), drawn((0,), 3)
    for parameter in network.parameters():  # those that begin at zero would hide the ones before
        torch.nn.init.normal_(parameter, std=0.05)
    tokens = network.tell(
        *(
            torch.from_numpy(each)
            for each in (shown.things, shown.relation, shown.camera, shown.style)
        )
    )
    said = network(torch.randn(3, 4, 64, 64), torch.rand(3), tokens)
    assert said.shape == (3, 4, 64, 64)
    said.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0.0).any()), name


def test_a_viewpoint_is_where_the_renderings_camera_stood() -> None:
    around, above = np.array([0.0, 1.0, 3.0]), np.array([0.2, -0.1, 1.0])
    one = torch.ones(3)
    viewpoints = Viewpoints(
        azimuth=torch.from_numpy(around), elevation=torch.from_numpy(above), distance=one, fov=one
    )
    expected = [camera_axes(a, e)[2] for a, e in zip(around, above, strict=True)]
    np.testing.assert_allclose(to_camera(viewpoints).numpy(), expected, atol=1e-6)


def test_missing_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidPrompt, match="lightkiln train prior"):
        open_embedded(CPU, tmp_path / "nowhere.safetensors")


def test_it_tells_the_prompt_it_has_understood_and_answers_in_every_style(tmp_path: Path) -> None:
    recipe = Recipe(steps=1, batch=1)
    weights = train(*prior(None, Split.VALIDATION, {}), tmp_path, recipe, ALONE, lambda *_: None)
    taught = open_embedded(CPU, weights)
    words = taught.words("a plush red cube", "a blue cube")
    assert (words.understood, words.unknown) == ("a red cube", ("plush",))
    assert not torch.equal(words.nothing.things, torch.zeros_like(words.nothing.things))
    z, angles = torch.randn(2, 4, 64, 64), torch.zeros(2)
    viewpoints = Viewpoints(azimuth=angles, elevation=angles, distance=angles, fov=angles)
    for style in Style:
        said = taught.predict(z, torch.full((2,), 0.5), words.prompt, viewpoints, style)
        assert said.shape == z.shape
        assert bool(torch.isfinite(said).all())
    np.testing.assert_allclose(taught.decode(taught.encode(z)), z, atol=1e-5)
