# SPDX-License-Identifier: GPL-3.0-or-later
"""The page and the picture of `benchmarks.crowd`, from the figures of all parts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.machine import DOCS, ROOT, commit, machine, today
from benchmarks.tables import table

FIGURES = DOCS / "crowd.json"
Rows = list[dict[str, float]]
HEADS = {
    "clients": "clients connected",
    "known": "clients paired",
    "queued": "jobs waiting",
    "running": "jobs running",
    "hello_ms": "a hello, CPU ms",
    "hello_cpu_ms": "a hello, CPU ms",
    "submit_cpu_ms": "a submit, CPU ms",
    "submit_p50_ms": "submit p50, ms",
    "submit_p99_ms": "submit p99, ms",
    "job_kib": "memory a job, KiB",
    "job_disk_kib": "disk a job, KiB",
    "cpu_percent": "CPU, % of a core",
    "memory_mib": "memory, MiB",
    "p50_ms": "answer p50, ms",
    "p99_ms": "answer p99, ms",
    "jobs_per_second": "jobs ended a second",
    "cpu_ms": "a job's end, CPU ms",
}


def keep(part: str, rows: Rows) -> None:
    """Write a part's figures; the page is made anew when all are there."""
    known: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    known[part] = {"date": today(), "commit": commit(), "machine": machine(), "rows": rows}
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    parts = ("clients", "known", "queued", "ending", "running", "telling")
    if all(each in known for each in parts):
        _draw({name: known[name]["rows"] for name in parts})
        template = (ROOT / "benchmarks" / "crowd.template.md").read_text()
        about = {name: known["clients"][name] for name in ("date", "commit", "machine")}
        tables = {name: _table(known[name]["rows"]) for name in parts}
        rows_of = {name: known[name]["rows"] for name in parts}
        (DOCS / "crowd.md").write_text(template.format(**about, **tables, **_each(rows_of)))


def _table(rows: Rows) -> str:
    names = [name for name in rows[-1] if any(row[name] for row in rows)]
    return table(
        [HEADS.get(name, name) for name in names],
        [[f"{row[name]:g}" for name in names] for row in rows],
    )


def _each(rows: dict[str, Rows]) -> dict[str, str]:
    """What one more of each costs: the slope over all sizes, by least squares."""
    return {
        "client_kib": f"{1024.0 * _slope(rows['clients'], 'clients', 'memory_mib'):.0f}",
        "client_cpu": f"{10.0 * _slope(rows['clients'], 'clients', 'cpu_percent'):.2f}",
        "running_cpu": f"{10.0 * _slope(rows['running'], 'running', 'cpu_percent'):.1f}",
        "telling_cpu": f"{10.0 * _slope(rows['telling'], 'running', 'cpu_percent'):.1f}",
        "job_disk": f"{np.mean([row['job_disk_kib'] for row in rows['queued'][1:]]):.0f}",
        "submit": f"{np.mean([row['submit_cpu_ms'] for row in rows['queued'][1:]]):.1f}",
    }


def _slope(rows: Rows, over: str, name: str) -> float:
    """Of what grows; a core that is full grows no more and is left out."""
    free = [row for row in rows if row["cpu_percent"] < 80.0]
    return float(np.polyfit([row[over] for row in free], [row[name] for row in free], 1)[0])


def _draw(rows: dict[str, Rows]) -> None:
    figure = Figure(figsize=(10.0, 3.2), layout="constrained")
    load, wait, end = figure.subplots(1, 3)
    for part, name in (("clients", "clients"), ("running", "running"), ("telling", "running")):
        sizes = [row[name] for row in rows[part]]
        load.plot(sizes, [row["cpu_percent"] for row in rows[part]], "o-", label=LABELS[part])
        wait.plot(sizes, [row["p99_ms"] for row in rows[part]], "o-", label=LABELS[part])
    end.plot(*_columns(rows["ending"], "queued", "cpu_ms"), "o-", label="to end a job")
    end.plot(*_columns(rows["queued"][1:], "queued", "submit_cpu_ms"), "o-", label="to submit one")
    for axes, title in ((load, "CPU, % of a core"), (wait, "answer p99, ms")):
        axes.set_xscale("symlog")
        axes.set_xlabel("how many")
        axes.set_title(title)
    wait.set_yscale("log")
    end.set_title("CPU ms, by jobs waiting")
    end.set_ylim(bottom=0.0)
    for axes in (load, wait, end):
        axes.legend(fontsize=7)
        axes.grid(alpha=0.3)
    figure.savefig(DOCS / "crowd.png", dpi=110)


LABELS = {
    "clients": "clients connected",
    "running": "jobs at work",
    "telling": "jobs at work, followed",
}


def _columns(rows: Rows, *names: str) -> tuple[list[float], ...]:
    return tuple([row[name] for row in rows] for name in names)
