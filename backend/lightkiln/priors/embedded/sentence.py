# SPDX-License-Identifier: GPL-3.0-or-later
"""Free text to one or two things of the built-in world, and the words that meant nothing.

    prompt   = thing [relation thing]
    thing    = any of [size] [colour] [material], shape

Case, articles and order within a thing do not matter; words that are not known are handed back.
It must not know networks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lightkiln_shared.errors import InvalidPrompt

from .vocabulary import (
    COLORS,
    CONTAINERS,
    MATERIALS,
    PHRASES,
    RELATIONS,
    SHAPES,
    SILENT,
    SIZES,
    SYNONYMS,
    UNDER,
    USUAL_COLOR,
)

MAX_UNKNOWN_TOLD = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing and how it is."""

    shape: str
    color: str
    material: str = "plain"
    size: str = "medium"

    def __str__(self) -> str:
        size = "" if self.size == "medium" else f"{self.size} "
        material = "" if self.material == "plain" else f"{self.material} "
        return f"a {size}{self.color} {material}{self.shape}".replace("a orange", "an orange")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is to be seen."""

    first: Thing
    relation: str = ""
    """Of the first to the second; empty: there is no second."""
    second: Thing | None = None

    @property
    def things(self) -> tuple[Thing, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)

    def __str__(self) -> str:
        return (
            str(self.first)
            if self.second is None
            else f"{self.first} {self.relation} {self.second}"
        )


def read(prompt: str) -> tuple[Sentence, tuple[str, ...]]:
    """The sentence, and the words that are not known; raises `InvalidPrompt`."""
    words = _words(prompt)
    parts, relations, unknown, swapped = _split(words)
    things = [thing for thing in map(_thing, parts) if thing is not None]
    if not things:
        raise InvalidPrompt(_nothing_known(unknown), hint=what_is_known())
    if len(things) > 2:
        raise InvalidPrompt(
            f"The built-in world holds at most two things, and the prompt names {len(things)}.",
            hint="Name one or two, or choose another model.",
        )
    if len(things) == 1:
        return Sentence(first=things[0]), unknown
    first, second = reversed(things) if swapped else things
    relation = relations[0] if relations else "beside"
    if relation == "inside" and second.shape not in CONTAINERS:
        raise InvalidPrompt(
            f"In the built-in world nothing can be inside a {second.shape}.",
            hint=f"Put it inside a {', a '.join(CONTAINERS[:-1])} or a {CONTAINERS[-1]}.",
        )
    return Sentence(first=first, relation=relation, second=second), unknown


def what_is_known() -> str:
    """All that can be asked for, in a sentence."""
    return (
        f"The built-in world knows {', '.join(SHAPES)}; in {', '.join(COLORS)}; "
        f"{', '.join(MATERIALS)}; {', '.join(SIZES[1:])}; {', '.join(RELATIONS)}. "
        "For anything else choose another model."
    )


def _nothing_known(unknown: tuple[str, ...]) -> str:
    if not unknown:
        return "The prompt names nothing to make."
    named = ", ".join(repr(word) for word in unknown[:MAX_UNKNOWN_TOLD])
    more = " and more" if len(unknown) > MAX_UNKNOWN_TOLD else ""
    return f"The built-in world knows nothing of {named}{more}."


def _words(prompt: str) -> list[str]:
    text = " ".join(re.findall(r"[^\W_]+(?:-[^\W_]+)*", prompt.lower()))
    for phrase, word in PHRASES.items():
        text = re.sub(rf"\b{phrase}\b", word, text)
    return [_plain(word) for word in text.split()]


def _plain(word: str) -> str:
    """The word that is meant: of synonyms and plurals, the one in the lists."""
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        form = SYNONYMS.get(form, form)
        if form in SHAPES or form in COLORS or form in MATERIALS or form in SIZES:
            return form
        if form in RELATIONS:
            return form
    return word


def _split(words: list[str]) -> tuple[list[list[str]], list[str], tuple[str, ...], bool]:
    """Words of each thing, relations between them, unknown words, and whether it is upside down."""
    parts: list[list[str]] = [[]]
    relations, unknown, swapped = [], [], False
    for word in words:
        if word in RELATIONS or word in UNDER:
            if _has_shape(parts[-1]):
                parts.append([])
                relations.append("on" if word in UNDER else word)
                swapped = swapped or word in UNDER
        elif word in SHAPES and _has_shape(parts[-1]):
            parts.append([word])
        elif word in (*SHAPES, *COLORS, *MATERIALS, *SIZES):
            parts[-1].append(word)
        elif word not in SILENT:
            unknown.append(word)
    return parts, relations, tuple(dict.fromkeys(unknown)), swapped


def _has_shape(words: list[str]) -> bool:
    return any(word in SHAPES for word in words)


def _thing(words: list[str]) -> Thing | None:
    shape = next((word for word in words if word in SHAPES), None)
    if shape is None:
        return None
    return Thing(
        shape=shape,
        color=_last(words, COLORS, USUAL_COLOR.get(shape, "grey")),
        material=_last(words, MATERIALS, "plain"),
        size=_last(words, SIZES, "medium"),
    )


def _last(words: list[str], kind: tuple[str, ...], usual: str) -> str:
    return next((word for word in reversed(words) if word in kind), usual)
