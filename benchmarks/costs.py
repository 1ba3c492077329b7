# SPDX-License-Identifier: GPL-3.0-or-later
"""What a piece of work costs Blender's main thread, measured three ways, and summed up.

Benchmarks share their machine, so the clock alone says too much: by the clock, by the clock without
the time in which other programs had the core (as Linux counts it), and in processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEDSTAT = Path("/proc/thread-self/schedstat")

Cost = tuple[float, float, float]
"""Milliseconds of the main thread: by the clock, on a core of its own, of processor time."""
WAYS = ("clock", "own_core", "processor")


def cost(work: Callable[[], object]) -> Cost:
    """Do some work, and say what it took."""
    start, queued, used = time.perf_counter(), _queued(), time.thread_time()
    work()
    used, queued = time.thread_time() - used, _queued() - queued
    passed = time.perf_counter() - start
    return 1e3 * passed, 1e3 * max(used, passed - queued), 1e3 * used


def summary(costs: Sequence[Cost]) -> dict[str, Any]:
    """How many, and of each way the median, 99 % and the most."""
    values = dict(zip(WAYS, np.transpose(costs), strict=True))
    return {"count": len(costs), **{way: _percentiles(each) for way, each in values.items()}}


def block(costs: Sequence[Cost]) -> dict[str, Any]:
    """How many, and of each way the most and the sum: what one thing took in several pieces."""
    values = dict(zip(WAYS, np.transpose(costs), strict=True))
    sums = {way: {"max": _ms(each.max()), "sum": _ms(each.sum())} for way, each in values.items()}
    return {"count": len(costs), **sums}


def _queued() -> float:
    """Seconds in which this thread could have worked but had no core; 0 where nobody counts."""
    if not SCHEDSTAT.exists():
        return 0.0
    return int(SCHEDSTAT.read_text().split()[1]) * 1e-9


def _percentiles(values: NDArray[Any]) -> dict[str, float]:
    median, high, most = np.percentile(values, (50, 99, 100))
    return {"median": _ms(median), "p99": _ms(high), "max": _ms(most)}


def _ms(value: Any) -> float:
    return round(float(value), 2)
