# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of scene folders have in common: posed photos, where they were found.

It must not know any format.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
MASK_FOLDERS = ("masks", "mask", "segs")
"""COLMAP's, nerfstudio's and OmniObject3D's names for masks that lie beside the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PosedPhoto:
    """A camera and where its image and its mask lie."""

    camera: Camera
    image: Path
    mask: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A scene folder, read."""

    photos: tuple[PosedPhoto, ...]
    region: Region | None = None


def inside(folder: Path, name: str) -> Path:
    """The path of a file that a scene's document names; raises `InvalidScene` if it leads away."""
    relative = Path(os.path.normpath(name.replace("\\", "/")))
    on_windows = PureWindowsPath(name)  # its rules everywhere: what `is_absolute` says there varies
    leads_away = on_windows.drive or on_windows.root or relative.parts[:1] == (os.pardir,)
    if leads_away or "\0" in name:
        raise InvalidScene(
            f"The path {name!r} leaves the scene's folder.",
            hint="Put the images into the folder and name them relative to it.",
        )
    return folder / relative


def existing(path: Path) -> Path:
    """The path itself, or with a suffix of an image appended; raises `InvalidScene`."""
    for candidate in (path, *(path.with_name(path.name + suffix) for suffix in SUFFIXES)):
        if candidate.is_file():
            return candidate
    raise InvalidScene(
        f"The image {path.name} does not exist.",
        hint=f"It was looked for in {path.parent}; put it there, or remove its entry.",
    )


def mask_beside(folder: Path, name: str) -> Path | None:
    """The mask of the image `name` in a scene's folder: `name.jpg.png` as COLMAP has it, or the
    name with the suffix .png."""
    for masks in MASK_FOLDERS:
        base = inside(folder / masks, name)
        for path in (base.with_name(base.name + ".png"), base.with_suffix(".png")):
            if path.is_file():
                return path
    return None


def images_in(folder: Path) -> list[Path]:
    """The images directly in a folder, by name."""
    return sorted(path for path in _files(folder) if path.suffix.lower() in SUFFIXES)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ()
