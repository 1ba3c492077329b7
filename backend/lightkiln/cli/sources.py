# SPDX-License-Identifier: GPL-3.0-or-later
"""What was typed for a method that has learned shapes: photographs, points, or a volume.

It must not know methods, nor what the files hold.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from lightkiln_shared.errors import UserError
from lightkiln_shared.names import natural
from lightkiln_shared.scene import Photo, Scene

from lightkiln.capture.images import read_size
from lightkiln.capture.open_scene import file_ref
from lightkiln.jobs.learned import SPACING
from lightkiln.learned.world.library import meshes_in
from lightkiln.methods.spec import Need

Spacing = tuple[float, float, float]


def is_learned(needs: tuple[Need, ...]) -> bool:
    """Whether a method is given what this file reads, and not a scene of views or words."""
    return bool(needs) and not {Need.POSED_VIEWS, Need.UNPOSED_PHOTOS, Need.TEXT} & set(needs)


def given(
    path: Path, needs: tuple[Need, ...], spacing: Spacing | None, parent: Path
) -> tuple[Scene, dict[str, Path]]:
    """The scene and, by SHA-256, its files; raises `UserError` before anything is queued."""
    if not path.exists():
        raise UserError(f"There is no file or folder {path}.", hint="Check the path.")
    if Need.ONE_IMAGE in needs or Need.FEW_IMAGES in needs:
        return _pictures(_files(path) if path.is_dir() and Need.FEW_IMAGES in needs else [path])
    if Need.MESHES in needs:
        return _meshes(path, meshes_in(path))
    if Need.MESH in needs:
        return _meshes(path.parent, (path.name,))
    files = _files(path) if path.is_dir() and Need.VOLUME in needs else [path]
    if spacing is not None:
        files.append(_said(spacing, parent))
    refs = [file_ref(each) for each in files]
    found = {ref.sha256: each for ref, each in zip(refs, files, strict=True)}
    return Scene(views=(), sources=tuple(refs)), found


def _pictures(paths: list[Path]) -> tuple[Scene, dict[str, Path]]:
    if paths[0].is_dir():
        raise UserError(
            f"{paths[0].name} is a folder; the method looks at one photograph.",
            hint="Give the photograph's file.",
        )
    for path in paths:
        read_size(path, path.name)
    refs = [file_ref(path) for path in paths]
    found = {ref.sha256: path for ref, path in zip(refs, paths, strict=True)}
    return Scene(views=(), photos=tuple(Photo(image=ref) for ref in refs)), found


def _meshes(folder: Path, names: tuple[str, ...]) -> tuple[Scene, dict[str, Path]]:
    """Each mesh by its path in the folder, which says what it is."""
    refs = [replace(file_ref(folder / name), name=name) for name in names]
    found = {ref.sha256: folder / name for ref, name in zip(refs, names, strict=True)}
    return Scene(views=(), sources=tuple(refs)), found


def _files(folder: Path) -> list[Path]:
    """In the order in which people number them."""
    files = [each for each in folder.iterdir() if each.is_file() and each.name[0] != "."]
    if not files:
        raise UserError(f"The folder {folder.name} is empty.", hint="Give a folder of files.")
    return sorted(files, key=lambda each: natural(each.name))


def _said(spacing: Spacing, parent: Path) -> Path:
    path = parent / SPACING
    path.write_text(json.dumps({"spacing_mm": list(spacing)}), encoding="ascii")
    return path
