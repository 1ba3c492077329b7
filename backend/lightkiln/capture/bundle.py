# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene as Lightkiln itself keeps it: how the add-on hands one over to `lightkiln convert`.

    scene.json        the document, as on the wire
    files/SHA256      images and masks by their content
    points.ply        the sparse points, where there are any
    files.json        only when written: where each file lies, by SHA-256; it is never followed

It must not know other formats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from lightkiln_shared.checks import check_scene
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Scene

from .write_scene import Points

SCENE, FILES, POINTS, PLACES = "scene.json", "files", "points.ply", "files.json"


def is_bundle(folder: Path) -> bool:
    """True for a folder that holds such a scene with its files."""
    return (folder / SCENE).is_file() and (folder / FILES).is_dir()


def read(folder: Path) -> tuple[Scene, dict[str, Path]]:
    """The scene, and its files by SHA-256; raises `InvalidScene`."""
    scene = from_json(Scene, (folder / SCENE).read_bytes())
    check_scene(scene)
    there = {path.name: path for path in (folder / FILES).iterdir()}
    missing = next((ref for ref in scene.files if ref.sha256 not in there), None)
    if missing is not None:
        raise InvalidScene(f"The file of {missing.name} is missing.", hint="Export the scene anew.")
    return scene, there


def read_points(folder: Path) -> Points | None:
    """Positions (N, 3) and colours (N, 3) uint8 of its points; None without any."""
    path = folder / POINTS
    if not path.is_file():
        return None
    cloud: Any = trimesh.load(path)
    if len(cloud.vertices) == 0:
        return None
    return np.asarray(cloud.vertices), np.asarray(cloud.colors)[:, :3].astype(np.uint8)


def write(scene: Scene, files: Mapping[str, Path], folder: Path) -> None:
    """Write the document and where the files lie; they stay there."""
    (folder / SCENE).write_bytes(to_json(scene))
    places = {ref.sha256: str(files[ref.sha256].absolute()) for ref in scene.files}
    (folder / PLACES).write_text(json.dumps(places, indent=1), encoding="utf-8")
