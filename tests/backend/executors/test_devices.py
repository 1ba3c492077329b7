# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine computes on, as `nvidia-smi` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lightkiln.executors.devices import cpu, find_slots


def pretend(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_every_gpu_is_a_slot_known_by_its_uuid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "GPU-1a, NVIDIA H200, 143771\\nGPU-2b, NVIDIA GeForce RTX 4090, [N/A]\\n"
    pretend(tmp_path, f'printf "{lines}"', monkeypatch)
    first, second = find_slots()
    assert (first.visible, first.device.name, first.device.memory_mb) == (
        *("GPU-1a", "NVIDIA H200", 143771),
    )
    assert (second.visible, second.device.kind, second.device.memory_mb) == ("GPU-2b", "cuda", 0)


def test_a_driver_that_fails_leaves_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, "echo no devices; exit 9", monkeypatch)
    assert find_slots() == (cpu(),)
    assert cpu().device.memory_mb > 100
