# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's folder: all that a worker is given and all that it leaves.

    job.json            what to do                          the queue; the worker, if it needs less
    scene.json files/   the views; files named by their SHA-256         written once
    control.json        what people ask of the run                      the queue, latest wins
    events.jsonl        what must not be forgotten, one line each       the worker, appended
    progress.json preview_image.bin preview_mesh.bin                    the worker, latest wins
    figures.jsonl       the course of the run's figures                 the worker, appended
    checkpoint/ artifacts/ log.txt worker.lock reserve                  the worker

A preview is one line of JSON, the message as it will be sent, and then its raw bytes.
It must not know processes, the store or the wire.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightkiln_shared.camera import Camera
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.jobs import Progress, RecordKind
from lightkiln_shared.messages import PreviewImage, PreviewMesh
from lightkiln_shared.params import Scalar
from lightkiln_shared.scene import Scene

from . import atomic

SURFACE = "mesh.ply"
"""The artifact that a job can be finished again from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a worker is to do."""

    job_id: str
    title: str
    method: str
    preset: str
    params: dict[str, Scalar] = field(default_factory=dict)
    """Values over the preset's."""
    time_limit: float = 0.0
    """Seconds of work until the run must come to its mesh; 0: none."""
    seed: int = 0
    finish: dict[str, Scalar] = field(default_factory=dict)
    """Options of `Finish` other than its defaults."""
    halvings: int = 0
    """How often `params` were halved because memory was full: see `MethodSpec.halvings`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Control:
    """What people ask of a run, as it stands."""

    pause: bool = False
    finish: bool = False
    cancel: bool = False
    watched: bool = False
    """Somebody looks: coarse meshes are welcome."""
    look_from: Camera | None = None
    """The camera for which pictures are wanted; None: no pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """A line of `events.jsonl`. The kind `state` ends an attempt and says how."""

    time: float
    """Unix seconds."""
    kind: RecordKind
    text: str
    reason: str = ""
    size: int = 0
    """Bytes of an artifact."""
    sha256: str = ""
    """Of an artifact."""


class JobFolder:
    """The paths of a job's folder, and how its documents are read and written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = path / "files"
        self.events = path / "events.jsonl"
        self.progress = path / "progress.json"
        self.preview_image = path / "preview_image.bin"
        self.preview_mesh = path / "preview_mesh.bin"
        self.figures = path / "figures.jsonl"
        self.control = path / "control.json"
        self.checkpoint = path / "checkpoint"
        self.artifacts = path / "artifacts"
        self.surface = self.artifacts / SURFACE
        """What the method made. If it is there, the method has nothing to do any more."""
        self.log = path / "log.txt"
        self.lock = path / "worker.lock"
        self.reserve = path / "reserve"

    def spec(self) -> JobSpec:
        """Read what to do."""
        return from_json(JobSpec, (self.path / "job.json").read_bytes())

    def write_spec(self, spec: JobSpec) -> None:
        """Change what to do."""
        atomic.write(self.path / "job.json", to_json(spec), durable=True)

    def scene(self) -> Scene:
        """Read the scene."""
        return from_json(Scene, (self.path / "scene.json").read_bytes())

    def read_control(self) -> Control:
        """Read what people ask; nothing if nobody has asked yet."""
        if not self.control.exists():
            return Control()
        return from_json(Control, self.control.read_bytes())

    def write_control(self, control: Control) -> None:
        """Tell the run what people ask."""
        atomic.write(self.control, to_json(control), durable=control.finish)

    def write_progress(self, progress: Progress) -> None:
        """Tell how far the run is."""
        atomic.write(self.progress, to_json(progress))

    def write_preview(self, message: PreviewImage | PreviewMesh, payload: bytes) -> None:
        """Leave a picture or a coarse mesh for whoever looks."""
        path = self.preview_image if isinstance(message, PreviewImage) else self.preview_mesh
        atomic.write(path, to_json(message), b"\n", payload)

    def last_progress(self) -> Progress | None:
        """How far the run was when it last said so."""
        if not self.progress.exists():
            return None
        return from_json(Progress, self.progress.read_bytes())


def create(
    path: Path,
    spec: JobSpec,
    scene: Scene,
    files: Mapping[str, Path],
    surface: Path | None = None,
) -> JobFolder:
    """Make a job's folder appear whole; `files` maps every SHA-256 of the scene to its file.

    A `surface` that another job's method has made is only finished.
    """
    beside = path.with_name(f".{path.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _fill(beside, spec, scene, files)
        if surface is not None:
            _link(surface, JobFolder(beside).surface)
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    atomic.sync_folder(path.parent)
    return JobFolder(path)


def _fill(path: Path, spec: JobSpec, scene: Scene, files: Mapping[str, Path]) -> None:
    (path / "files").mkdir(parents=True)
    (path / "artifacts").mkdir()
    (path / "checkpoint").mkdir()
    for sha256, file in files.items():
        _link(file, path / "files" / sha256)
    atomic.write(path / "scene.json", to_json(scene), durable=True)
    JobFolder(path).write_spec(spec)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
