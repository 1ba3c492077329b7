# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method that has learned shapes is given: a photograph, points, a volume, or nothing.

A path as the person chose it becomes a scene whose files lie ready to be sent. No bpy. It must not
know methods, nor what is in the files.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from . import image_files
from .shared.checks import MAX_SOURCES
from .shared.errors import InvalidScene
from .shared.scene import FileRef, Photo, Region, Scene
from .transfers import Source

ONE_IMAGE, POINTS, VOLUME = "one_image", "points", "volume"
"""What such a method may need, as the backend says it."""
LEARNED = {(ONE_IMAGE,), (POINTS,), (VOLUME,), ()}


@dataclass(frozen=True, slots=True)
class Given:
    """A choice."""

    need: str
    """Empty: nothing but a seed."""
    path: Path | None = None


def scene_of(given: Given, region: Region) -> tuple[Scene, dict[str, Source]]:
    """The scene and its files by SHA-256; raises `InvalidScene` with what is wrong."""
    if not given.need:
        return Scene(views=(), region=region), {}
    path = given.path
    if path is None or not path.exists():
        raise InvalidScene("The file to make it from is not there.", hint="Choose it again.")
    files: dict[str, Source] = {}
    if given.need == ONE_IMAGE:
        data = image_files.read_file(path, path.name)
        image_files.size_of(data, path.name)
        photo = Photo(image=_named(data, path.name, files))
        return Scene(views=(), region=region, photos=(photo,)), files
    paths = _slices(path) if path.is_dir() else [path]
    sources = tuple(_named(each.read_bytes(), each.name, files) for each in paths)
    return Scene(views=(), region=region, sources=sources), files


def _slices(folder: Path) -> list[Path]:
    """Files in the order in which people number them."""
    found = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    if not 0 < len(found) <= MAX_SOURCES:
        count = f"{len(found)} files" if found else "nothing"
        raise InvalidScene(
            f"The folder {folder.name} holds {count}.", hint="Choose the folder of the slices."
        )
    return sorted(found, key=lambda each: _natural(each.name))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _named(data: bytes, name: str, files: dict[str, Source]) -> FileRef:
    sha256 = hashlib.sha256(data).hexdigest()
    files[sha256] = data
    return FileRef(sha256=sha256, size=len(data), name=name)
