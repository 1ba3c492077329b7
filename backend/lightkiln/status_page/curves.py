# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run as curves: paths of an SVG that is as wide as a page and half as high.

Figures that fall over decades, such as a loss, are drawn by their logarithm. It must not know
methods: what a figure is called decides only its place and its words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lightkiln.jobs.figures import Point

from .words import duration, figure

WIDTH, HEIGHT, EDGE = 600.0, 200.0, 8.0
"""Of the drawing, in units of its own; the browser stretches it."""
DECADES = 20.0
"""From this ratio of the largest to the smallest on, logarithms are drawn."""
TITLES = {
    "loss": "Loss",
    "psnr": "Likeness (PSNR, dB)",
    "heldout_psnr": "Likeness, kept out (PSNR, dB)",
    "heldout_ssim": "Likeness, kept out (SSIM)",
    "heldout_lpips": "Distance, kept out (LPIPS)",
    "sharpness": "Sharpness",
    "eikonal": "Eikonal error",
}
"""In the order in which they are shown; others follow by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One figure over the seconds of a run."""

    name: str
    title: str
    line: str
    """An SVG path."""
    area: str
    """The same down to the ground, to be filled."""
    first: float
    last: float
    low: float
    high: float
    start: float
    """Seconds of work at its left end."""
    end: float
    """The same at its right end."""

    @property
    def told(self) -> str:
        """The curve for who cannot see it."""
        return (
            f"{self.title}: from {figure(self.first)} to {figure(self.last)} "
            f"within {duration(self.end - self.start)}"
        )


def curves(points: Sequence[Point]) -> tuple[Curve, ...]:
    """A curve for each figure that has at least two points, in the order of their seconds."""
    known = list(TITLES)
    names = sorted({name for point in points for name in point if name != "seconds"})
    names.sort(key=lambda name: known.index(name) if name in known else len(known))
    found = (_curve(name, [(p["seconds"], p[name]) for p in points if name in p]) for name in names)
    return tuple(curve for curve in found if curve is not None)


def _curve(name: str, course: Sequence[tuple[float, float]]) -> Curve | None:
    if len(course) < 2:
        return None
    values = [value for _, value in course]
    low, high, start, end = min(values), max(values), course[0][0], course[-1][0]
    scale = math.log if low > 0.0 and high / low > DECADES else float
    bottom, top = scale(low), scale(high)
    spread = top - bottom
    places = [
        (
            (at - start) / (end - start) * WIDTH,
            EDGE + (HEIGHT - 2 * EDGE) * ((top - scale(value)) / spread if spread > 0.0 else 0.5),
        )
        for at, value in course
    ]
    line = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    ground = f"L{places[-1][0]:.1f},{HEIGHT:.0f}L{places[0][0]:.1f},{HEIGHT:.0f}Z"
    return Curve(
        name=name,
        title=TITLES.get(name, name.replace("_", " ")),
        line=line,
        area=line + ground,
        first=values[0],
        last=values[-1],
        low=low,
        high=high,
        start=start,
        end=end,
    )
