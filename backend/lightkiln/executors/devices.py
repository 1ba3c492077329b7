# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine computes on, found without torch: asking it costs milliseconds.

GPUs are named by their UUID, since their order may differ between processes.
It must not know methods or jobs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightkiln_shared.messages import Device

QUERY = ("--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Room for one worker: a device and how a process is shown it."""

    device: Device
    visible: str = ""
    """The GPU's UUID for `CUDA_VISIBLE_DEVICES`; empty: none."""
    machine: str = ""
    """Which one it is in, of a cluster's."""
    count: int = 1
    """Devices that it stands for."""


def joined(slots: Sequence[Slot]) -> Slot:
    """Room for one worker on several devices of a machine."""
    visible = ",".join(slot.visible for slot in slots)
    return replace(slots[0], visible=visible, count=len(slots))


def chosen(free: Sequence[Slot], count: int) -> tuple[Slot, ...]:
    """Slots of one machine for `count` processes, which share a processor; none if too few."""
    for machine in dict.fromkeys(slot.machine for slot in free):
        there = [slot for slot in free if slot.machine == machine]
        wanted = 1 if there[0].device.kind == "cpu" else count
        if len(there) >= wanted:
            return tuple(there[:wanted])
    return ()


def find_slots() -> tuple[Slot, ...]:
    """The GPUs if there are any, otherwise the processor."""
    return _gpus() or (cpu(),)


def cpu() -> Slot:
    """The processor."""
    cores = os.cpu_count() or 1
    device = Device(name=f"CPU, {cores} cores", kind="cpu", memory_mb=memory_mb())
    return Slot(device=device)


def memory_mb() -> int:
    """Main memory, megabytes; 0 where the system does not say."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _gpus() -> tuple[Slot, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    answer = subprocess.run(
        [program, *QUERY], capture_output=True, text=True, timeout=10, check=False
    )
    lines = answer.stdout.strip().splitlines() if answer.returncode == 0 else []
    return tuple(_gpu(*(part.strip() for part in line.split(",", 2))) for line in lines)


def _gpu(uuid: str, name: str, memory: str) -> Slot:
    size = int(memory) if memory.isdigit() else 0
    return Slot(device=Device(name=name, kind="cuda", memory_mb=size), visible=uuid)
