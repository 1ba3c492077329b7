# SPDX-License-Identifier: GPL-3.0-or-later
"""Free text to things: what is understood, what is not, and what is said of it."""

import numpy as np
import pytest
from lightkiln.priors.embedded import vocabulary
from lightkiln.priors.embedded.pictures import drawn_sentence
from lightkiln.priors.embedded.sentence import Sentence, Thing, read, what_is_known
from lightkiln_shared.errors import InvalidPrompt

RED_TORUS = Thing(shape="torus", color="red")
BLUE_CUBE = Thing(shape="cube", color="blue")


@pytest.mark.parametrize(
    "prompt",
    [
        "a red torus on a blue cube",
        "Red DONUT on top of a blue box!",
        "please make a 3D model of one crimson ring, atop the navy block",
        "a blue cube under a red torus",
        "blue cubes beneath the red rings",
    ],
)
def test_there_are_many_ways_to_say_the_same(prompt: str) -> None:
    sentence, unknown = read(prompt)
    assert sentence == Sentence(first=RED_TORUS, relation="on", second=BLUE_CUBE)
    assert unknown == ()


@pytest.mark.parametrize(
    ("prompt", "understood"),
    [
        ("tree", "a green tree"),
        ("a big spotted mug", "a big white dotted mug"),
        ("a cone next to a tiny polka-dot desk", "a grey cone beside a small brown dotted table"),
        ("a pink ball in a bowl", "a pink sphere inside a white bowl"),
        ("a house and a tree", "a white house beside a green tree"),
        ("a snowman with a shiny metal lamp", "a white snowman with a yellow metallic lamp"),
    ],
)  # fmt: skip
def test_what_is_not_said_is_as_usual(prompt: str, understood: str) -> None:
    assert str(read(prompt)[0]) == understood


def test_what_was_understood_is_understood_again() -> None:
    draw = np.random.default_rng(3)
    for _ in range(400):
        sentence = drawn_sentence(draw)
        assert read(str(sentence)) == (sentence, ())


def test_words_that_mean_nothing_are_handed_back_once_and_in_order() -> None:
    sentence, unknown = read("a majestic red cube on a majestic velvet sphere, trending")
    assert str(sentence) == "a red cube on a grey sphere"
    assert unknown == ("majestic", "velvet", "trending")


@pytest.mark.parametrize(
    "prompt", ["a dragon", "ein roter Würfel", "красный куб", "赤い立方体", "red shiny", "!!!", ""]
)
def test_a_prompt_without_a_known_thing_is_told_all_that_is_known(prompt: str) -> None:
    with pytest.raises(InvalidPrompt) as raised:
        read(prompt)
    assert raised.value.hint == what_is_known()
    for word in vocabulary.SHAPES:
        assert word in raised.value.hint


def test_three_things_are_too_many() -> None:
    with pytest.raises(InvalidPrompt, match="names 3"):
        read("a cube on a cube on a cube")


def test_nothing_can_be_inside_a_solid() -> None:
    with pytest.raises(InvalidPrompt, match="inside a cube"):
        read("a sphere inside a cube")


def test_every_synonym_means_a_word_of_the_lists() -> None:
    known = {
        *vocabulary.SHAPES,
        *vocabulary.COLORS,
        *vocabulary.MATERIALS,
        *vocabulary.SIZES,
        *vocabulary.RELATIONS,
    }
    assert {*vocabulary.SYNONYMS.values(), *vocabulary.PHRASES.values()} <= known
    assert not known & vocabulary.SYNONYMS.keys()
    assert not known & vocabulary.SILENT
