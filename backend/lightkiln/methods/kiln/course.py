# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run of kiln stands: the field, the level, the step; and how that is saved.

It must not know how a step is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.fields.band import Band, neighbours
from lightkiln.training.backdrop import Backdrop
from lightkiln.training.exposure import Exposure
from lightkiln.training.schedule import Level

BAND = ("origin", "table", "distance", "color", "anchor", "trust")


@dataclass(slots=True, kw_only=True, eq=False)
class Course:
    """All that changes while kiln runs."""

    levels: tuple[Level, ...]
    band: Band
    exposure: Exposure
    backdrop: Backdrop | None
    """None where masks tell the background away, and before the first level."""
    level: int = 0
    """The one that is being worked on."""
    step: int = 0
    """Steps of it that are done."""
    sharpness: float = 4.0
    """1/voxel, as of the last step."""
    ready: bool = False
    """Whether the band is that of the level; otherwise it is still the one before."""

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Everything that is needed to go on, but the inputs and the parameters."""
        saved = {name: np.asarray(getattr(self.band, name)) for name in BAND}
        saved |= {
            "voxel": np.array(self.band.voxel),
            "gains": self.exposure.gains,
            "place": np.array([self.level, self.step, int(self.ready)]),
            "sharpness": np.array(self.sharpness),
            "voxels": np.array([level.voxel for level in self.levels]),
            "shares": np.array([level.share for level in self.levels]),
        }
        if self.backdrop is not None:
            saved["backdrop"] = self.backdrop.pictures
        return {name: value.copy() for name, value in saved.items()}


def band_from(state: Mapping[str, NDArray[Any]]) -> Band:
    """The saved band."""
    arrays = {name: state[name].copy() for name in BAND}
    return Band(voxel=float(state["voxel"]), near=neighbours(arrays["table"]), **arrays)
