# SPDX-License-Identifier: GPL-3.0-or-later
"""Small line charts as SVG that takes its colours from the page. It must not know what is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 460.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 12.0, 30.0
MAX_POINTS = 400
NUM_TICKS = 4


def line_chart(name: str, unit: str, points: Points) -> str:
    """A curve over seconds, with axes and its last value written out."""
    shown = points[:: max(1, math.ceil(len(points) / MAX_POINTS))]
    if shown[-1] != points[-1]:
        shown = [*shown, points[-1]]
    across = _ticks(shown[0][0], shown[-1][0])
    up = _ticks(min(value for _, value in shown), max(value for _, value in shown))
    xs = [_place(seconds, across, LEFT, WIDTH - RIGHT) for seconds, _ in shown]
    ys = [_place(value, up, HEIGHT - BOTTOM, TOP) for _, value in shown]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    last = f"{points[-1][1]:.4g} {unit}".rstrip()
    return (
        f'<figure class="chart"><figcaption><b>{escape(name)}</b> <span>{last}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(name)}: {last}">'
        f"{_grid(across, up)}"
        f'<path class="curve" d="{path}"/><circle class="dot" cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" '
        f'r="3.5"/></svg></figure>'
    )


def _grid(across: Sequence[float], up: Sequence[float]) -> str:
    lines = []
    for value in up:
        y = _place(value, up, HEIGHT - BOTTOM, TOP)
        lines.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for value in across:
        x = _place(value, across, LEFT, WIDTH - RIGHT)
        lines.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{value:g} s</text>')
    return "".join(lines)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that enclose both bounds."""
    span = max(high - low, 1e-9 * max(abs(high), 1.0))  # a curve may be flat
    raw = span / NUM_TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * index for index in range(first, max(last, first + 1) + 1)]


def _place(value: float, ticks: Sequence[float], start: float, end: float) -> float:
    return start + (end - start) * (value - ticks[0]) / (ticks[-1] - ticks[0])
