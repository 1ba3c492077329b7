# SPDX-License-Identifier: GPL-3.0-or-later
"""What a distillation is made of: the estimator, its times, its weights, its guidance.

It must not know torch, so that a method's parameters can be built of it without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """Which estimator says where renderings should go."""

    SDS = "sds"
    """Score distillation (Poole et al. 2022)."""
    RECONSTRUCTION = "reconstruction"
    """Towards the clean picture that the prior sees (Shi et al. 2023, MVDream)."""
    VSD = "vsd"
    """Variational: away from a learned score of the renderings (Wang et al. 2023)."""
    ISM = "ism"
    """Interval score matching (Liang et al. 2023, LucidDreamer)."""


class Timing(StrEnum):
    """How noise levels are drawn while the run goes on."""

    UNIFORM = "uniform"
    """Anywhere in the range, always (DreamFusion)."""
    ANNEALED = "annealed"
    """The range's upper end comes down (MVDream, ProlificDreamer)."""
    SQUARE_ROOT = "square-root"
    """One level, which falls like a square root (HiFA)."""


class Weighting(StrEnum):
    """w(t) of a score's difference; `reconstruction` has none."""

    VARIANCE = "variance"
    """s² (DreamFusion)."""
    UNIFORM = "uniform"
    """1."""
    BALANCED = "balanced"
    """a s² (Chen et al. 2023, Fantasia3D)."""


GENTLE = 7.5
"""Guidance that VSD and ISM do with, where the prior suggests more for plain distillation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The choices of a run."""

    form: Form = Form.RECONSTRUCTION
    timing: Timing = Timing.ANNEALED
    weighting: Weighting = Weighting.VARIANCE
    guidance: float | None = None
    """1: the prompt alone; None: what the prior suggests, for VSD and ISM at most `GENTLE`."""
    rescale: float = 0.5
    """Part in which guided pictures get back the contrast of unguided ones; 0: not at all."""
    perp_neg: bool = False
    """Against second faces; for priors that tell sides by words, others pay no attention."""
    least: float = 0.02
    """The lower end of the range of t."""
    most: float = 0.98
    """The upper end, at the start."""
    most_at_end: float = 0.5
    """And when it has come down."""

    def strength(self, suggested: float) -> float:
        """Guidance, given what the prior suggests."""
        if self.guidance is not None:
            return self.guidance
        return min(suggested, GENTLE) if self.form in (Form.VSD, Form.ISM) else suggested


DREAMFUSION = Recipe(form=Form.SDS, timing=Timing.UNIFORM, rescale=0.0)
"""The paper's own."""
