# SPDX-License-Identifier: GPL-3.0-or-later
"""What was typed to make a mesh of words, as a scene: prompt, picture and a mesh to begin from.

It must not know commands or methods.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lightkiln_shared.checks import check_prompt
from lightkiln_shared.errors import InvalidPrompt
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import FileRef, Photo, Prompt, Scene

from lightkiln.capture.images import read_size
from lightkiln.capture.open_scene import file_ref
from lightkiln.jobs.text import of_a_prompt
from lightkiln.mesh.export import load_mesh, save_mesh
from lightkiln.mesh.turntable import ball_around


def asked_for(
    prompt: str, negative: str, image: Path | None, start: Path | None, parent: Path
) -> tuple[Scene, dict[str, Path]]:
    """The scene and, by SHA-256, its files; the mesh to begin from is written below `parent`.

    Raises `InvalidPrompt` before anything is queued.
    """
    scene = Scene(views=(), prompt=Prompt(text=prompt, negative=negative))
    check_prompt(scene)
    files: dict[str, Path] = {}
    if image is not None:
        with of_a_prompt():
            read_size(image, image.name)
        scene = replace(scene, photos=(Photo(image=_ref(image, files)),))
    if start is not None:
        path = parent / "start.ply"
        save_mesh(_in_region(start), path)
        scene = replace(
            scene, prompt=Prompt(text=prompt, negative=negative, start=_ref(path, files))
        )
    return scene, files


def _ref(path: Path, files: dict[str, Path]) -> FileRef:
    ref = file_ref(path)
    files[ref.sha256] = path
    return ref


def _in_region(path: Path) -> TriangleMesh:
    """A mesh within the unit ball; one that leaves it, or is lost in it, is made to fill it."""
    mesh = load_mesh(path)
    if not isinstance(mesh, TriangleMesh):
        raise InvalidPrompt(f"{path.name} has no triangles.", hint="Start from a surface.")
    centre, radius = ball_around(mesh)
    if abs(centre).max() + radius <= 1.05 and radius > 0.5:
        return mesh  # one that was made here stays where it is
    return replace(mesh, positions=((mesh.positions - centre) / radius).astype("f4"))
