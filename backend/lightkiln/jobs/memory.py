# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run will fit into the memory that is free, before it begins.

What is free is the least of what the system, the container and the process's own limits leave; a
system that keeps no /proc does not say, and is believed to have enough. It must not know how a
method works: its spec says what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lightkiln_shared.errors import ResourceError
from lightkiln_shared.scene import Scene

from lightkiln.capture.load import MEMORY, PIXEL_BYTES
from lightkiln.methods.registry import PRESETS, params_for
from lightkiln.methods.spec import MethodSpec

from .folder import JobSpec

MB = 2**20
PROC, GROUP = Path("/proc"), Path("/sys/fs/cgroup")
LIMITS = {"Max data size": "VmData", "Max address space": "VmSize"}
"""Limits of a process, and what of it counts against them."""


def check_memory(spec: MethodSpec, job: JobSpec, scene: Scene, warn: Callable[[str], None]) -> None:
    """Raise `ResourceError`, with a preset that fits if there is one, unless the run will fit.

    Of a method that does not say what its parameters take, a warning is all that can be given.
    """
    free = min(_left(PROC, GROUP), default=None)
    if free is None:
        return
    pixels = sum(view.camera.width * view.camera.height for view in scene.views)
    photographs = min(PIXEL_BYTES * pixels, MEMORY) / MB

    def needed(preset: str) -> float:
        of_method = spec.memory_of or (lambda params: spec.memory_mb)
        return photographs + of_method(params_for(spec, preset, dict(job.params)))

    wanted = needed(job.preset)
    if wanted <= free:
        return
    about = f"{spec.title} needs about {wanted / 1024:.1f} GB of memory for this"
    has = f"{free / 1024:.1f} GB are free"
    if spec.memory_of is None:
        warn(f"{about} as a rule, and {has}: it may be ended by the system.")
        return
    fitting = [preset for preset in PRESETS if needed(preset) <= free]
    smaller = f"Use the preset {fitting[-1]!r}" if fitting else "Use fewer or smaller photographs"
    raise ResourceError(f"{about}, and {has}.", hint=f"{smaller}, or close other programs.")


def _left(proc: Path, group: Path) -> Iterator[float]:
    """Megabytes that each known limit leaves."""
    if (proc / "meminfo").exists():
        yield _table(proc / "meminfo")["MemAvailable"] / 1024
    if (group / "memory.max").exists():
        most = (group / "memory.max").read_text().strip()
        if most.isdigit():
            used = int((group / "memory.current").read_text())
            yield (int(most) - used + _table(group / "memory.stat")["inactive_file"]) / MB
    if (proc / "self" / "limits").exists():
        used_of = _table(proc / "self" / "status")
        for line in (proc / "self" / "limits").read_text().splitlines():
            name, _, rest = line.partition("  ")
            if name in LIMITS and rest.split()[0].isdigit():
                yield int(rest.split()[0]) / MB - used_of[LIMITS[name]] / 1024


def _table(path: Path) -> dict[str, int]:
    """The numbers of a file with a name, perhaps a colon, a number and perhaps a unit a line."""
    rows = (line.replace(":", " ").split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
