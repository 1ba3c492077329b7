# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alignment has left, fetched, checked and ready for Blender. No bpy.

    scene.json    cameras, region, and the photographs that could not be placed
    points.ply    the sparse cloud: x y z red green blue
    report.json   among other things, why photographs were not placed

Photographs stay where they lie. What the backend made on the way (frames of a video, JPEG of HEIC)
is fetched into a folder of the extension's.
It must not know how photographs are aligned.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from . import photographs, points
from .connection import Connection
from .shared.checks import check_camera, check_region
from .shared.codec import from_json
from .shared.errors import MalformedMessage
from .shared.messages import ListArtifacts
from .shared.scene import FileRef, Scene
from .transfers import fetch_artifact

SCENE, POINTS, REPORT = "scene.json", "points.ply", "report.json"
MAX_SENTENCE = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unplaced:
    """A photograph without a camera, and why."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Cameras, points and a region as Blender takes them."""

    scene: Scene
    positions: NDArray[Any]
    """(N, 3) float32, metres, world axes."""
    colors: NDArray[Any]
    """(N, 3) float32, linear."""
    unplaced: tuple[Unplaced, ...] = ()
    paths: dict[str, Path]
    """Where images and masks lie, by SHA-256; what is missing lies nowhere here."""
    straight: dict[str, bytes] = field(default_factory=dict)
    """By a photograph's SHA-256, a picture of it without its lens's distortion, as JPEG."""
    error: float = 0.0
    """Mean reprojection error, pixels; 0: not known."""


async def fetch(
    connection: Connection, job_id: str, chosen: Sequence[Path], folder: Path
) -> Solved:
    """Fetch a job's cameras and check them: every count and number.

    `chosen` is what was aligned, `folder` where photographs are kept that were made on the way.
    """
    scene, cloud, report = [
        await fetch_artifact(connection, job_id, name) for name in (SCENE, POINTS, REPORT)
    ]
    solved = await asyncio.to_thread(ready, scene, cloud, report, chosen)
    refs = [each for view in solved.scene.views for each in (view.image, view.mask) if each]
    listing = await connection.request(ListArtifacts(job_id=job_id))
    made = {artifact.sha256: artifact.name for artifact in listing.artifacts}
    for ref in refs:
        if ref.sha256 not in solved.paths and ref.sha256 in made:
            path = folder / _file_name(ref)
            if not path.exists():
                data = await fetch_artifact(connection, job_id, made[ref.sha256])
                await asyncio.to_thread(_write, path, data)
            solved.paths[ref.sha256] = path
    return solved


def ready(scene: bytes, cloud: bytes, report: bytes, chosen: Sequence[Path]) -> Solved:
    """A solved scene from the bytes of its files; raises `MalformedMessage` or `InvalidScene`."""
    solved = from_json(Scene, scene)
    for view in solved.views:
        check_camera(view.camera, view.name)
    if solved.region is not None:
        check_region(solved.region)
    positions, colors = points.read(cloud)
    unplaced, error = _reasons(report)
    refs = [each for view in solved.views for each in (view.image, view.mask) if each]
    return Solved(
        scene=solved,
        positions=positions,
        colors=colors,
        unplaced=unplaced,
        paths=photographs.lying_in(chosen, refs),
        error=error,
    )


def _reasons(report: bytes) -> tuple[tuple[Unplaced, ...], float]:
    try:
        said = json.loads(report)["alignment"]
        unplaced = tuple(
            Unplaced(name=str(each["name"])[:MAX_SENTENCE], text=str(each["text"])[:MAX_SENTENCE])
            for each in said["unplaced"]
        )
        return unplaced, float(said["reprojection_error"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedMessage(f"the alignment's report cannot be read: {error}") from None


def _file_name(ref: FileRef) -> str:
    """A name that does not clash and that a person knows again; nothing of it leads elsewhere."""
    plain = re.sub(r"[^\w.-]+", "-", Path(ref.name).name).strip(".-")[-80:]
    if re.fullmatch(r"[0-9a-f]{64}", ref.sha256) is None:
        raise MalformedMessage("a photograph without a hash")
    return f"{ref.sha256[:12]}-{plain or 'photograph.jpg'}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    beside.replace(path)
