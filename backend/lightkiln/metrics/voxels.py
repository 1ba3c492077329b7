# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two solids are that are known at the same places. It must not know where these lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray


def iou(
    a: Bool[NDArray[Any], "n ..."], b: Bool[NDArray[Any], "n ..."]
) -> Float[NDArray[Any], " n"]:
    """Intersection over union of each pair; two empty ones are alike."""
    places = tuple(range(1, a.ndim))
    both, either = (a & b).sum(axis=places), (a | b).sum(axis=places)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
