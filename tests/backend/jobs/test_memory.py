# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that will not fit into memory is refused before it begins, by the least that is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lightkiln.jobs import memory
from lightkiln.jobs.folder import JobSpec
from lightkiln.methods.registry import spec_named
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import ResourceError
from lightkiln_shared.scene import FileRef, Scene, View

GB = 1024**3


def scene(num_views: int, side: int) -> Scene:
    camera = Camera(
        world_from_camera=np.eye(4),
        focal=(1.0, 1.0),
        principal_point=(0.5, 0.5),
        width=side,
        height=side,
    )
    file = FileRef(sha256="0" * 64, size=1, name="a")
    return Scene(views=tuple(View(camera=camera, image=file) for _ in range(num_views)))


def job(method: str, preset: str) -> JobSpec:
    return JobSpec(job_id="0" * 16, title="t", method=method, preset=preset, params={})


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up /proc and control group: 8 GB are free, nothing is limited."""
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable:    8388608 kB\n")
    (tmp_path / "self" / "status").write_text("Name:\tpython\nVmData:\t  102400 kB\n")
    limits(tmp_path, "unlimited")
    monkeypatch.setattr(memory, "PROC", tmp_path)
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    return tmp_path


def limits(proc: Path, data: str) -> None:
    (proc / "self" / "limits").write_text(
        "Limit                     Soft Limit           Hard Limit           Units\n"
        f"Max data size             {data:<20} unlimited            bytes\n"
        "Max stack size            8388608              unlimited            bytes\n"
    )


def contain(group: Path, most: int, used: int, cached: int) -> None:
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon {used - cached}\ninactive_file {cached}\n")


def test_what_fits_is_let_through(machine: Path) -> None:
    told: list[str] = []
    for preset in ("draft", "standard", "high"):
        memory.check_memory(spec_named("kiln"), job("kiln", preset), scene(48, 400), told.append)
    assert told == []


def test_a_container_counts_but_not_what_it_keeps_of_files(machine: Path) -> None:
    kiln = spec_named("kiln")
    contain(machine, 4 * GB, 3 * GB, 2 * GB)  # 3 GB are left
    memory.check_memory(kiln, job("kiln", "standard"), scene(48, 400), pytest.fail)
    with pytest.raises(ResourceError, match=r"about 5\.\d GB .* 3\.0 GB are free") as refused:
        memory.check_memory(kiln, job("kiln", "high"), scene(48, 400), pytest.fail)
    assert refused.value.hint == "Use the preset 'standard', or close other programs."


def test_the_process_own_limit_counts(machine: Path) -> None:
    limits(machine, str(600 * 2**20))  # of which 100 MB are used
    with pytest.raises(ResourceError, match=r"0\.5 GB are free") as refused:
        memory.check_memory(spec_named("kiln"), job("kiln", "draft"), scene(48, 400), pytest.fail)
    assert refused.value.hint.startswith("Use fewer or smaller photographs")


def test_of_what_nobody_measured_a_warning_is_all(machine: Path) -> None:
    limits(machine, str(600 * 2**20))
    told: list[str] = []
    spec = replace(spec_named("neus"), memory_of=None)
    memory.check_memory(spec, job("neus", "draft"), scene(48, 400), told.append)
    assert len(told) == 1
    assert "may be ended by the system" in told[0]


def test_photographs_count_up_to_what_loading_leaves_of_them(machine: Path) -> None:
    contain(machine, 3 * GB, 0, 0)
    kiln = spec_named("kiln")
    memory.check_memory(kiln, job("kiln", "draft"), scene(10, 1000), pytest.fail)
    with pytest.raises(ResourceError, match=r"about 3\.4 GB"):
        memory.check_memory(kiln, job("kiln", "draft"), scene(100, 8000), pytest.fail)


def test_a_system_that_does_not_say_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PROC", tmp_path)
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    memory.check_memory(spec_named("kiln"), job("kiln", "high"), scene(200, 4000), pytest.fail)
