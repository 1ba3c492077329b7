# SPDX-License-Identifier: GPL-3.0-or-later
"""The estimators by name, behind one interface; those that learn have a state.

It must not know pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from . import ism, reconstruction, sds
from .pull import Draw, Pull
from .question import Question
from .recipe import Form, Recipe
from .vsd import Variational


@runtime_checkable
class Estimator(Protocol):
    """Says of pictures where not to go."""

    def pull(self, question: Question, x: Float[Tensor, "b d i j"], draw: Draw) -> Pull: ...

    def state(self) -> dict[str, NDArray[Any]]:
        """What it has learned."""

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Know it again."""


class Formula:
    """An estimator that learns nothing."""

    def __init__(self, formula: Callable[[Question, Tensor, Draw], Pull]) -> None:
        self._formula = formula

    def pull(self, question: Question, x: Float[Tensor, "b d i j"], draw: Draw) -> Pull:
        """What the formula says."""
        return self._formula(question, x, draw)

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
        return {}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Nothing to know."""


def estimator_of(recipe: Recipe, seed: int, device: torch.device) -> Estimator:
    """The one of a recipe."""
    weighting = recipe.weighting
    if recipe.form is Form.SDS:
        return Formula(lambda question, x, draw: sds.pull(question, x, draw, weighting))
    if recipe.form is Form.ISM:
        return Formula(lambda question, x, draw: ism.pull(question, x, draw, weighting))
    if recipe.form is Form.VSD:
        return Variational(weighting, seed, device)
    return Formula(reconstruction.pull)
