# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method that has learned shapes is given: a photograph, points, a volume, or nothing.

A path as the person chose it becomes a scene whose files lie ready to be sent. No bpy. It must not
know methods, nor what is in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import image_files
from .photographs import file_ref
from .shared.checks import MAX_SOURCES
from .shared.errors import InvalidScene
from .shared.names import natural
from .shared.scene import Photo, Region, Scene
from .transfers import Source

ONE_IMAGE, POINTS, VOLUME = "one_image", "points", "volume"
"""What such a method may need, as the backend says it."""
PLACED = ("", ONE_IMAGE)
"""Needs of what is made to stand in a region; points and volumes have places of their own."""
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
    if given.need == ONE_IMAGE:
        image_files.size_of(image_files.read_file(path, path.name), path.name)
    paths = _slices(path) if path.is_dir() else [path]
    refs = tuple(map(file_ref, paths))
    files: dict[str, Source] = {ref.sha256: each for ref, each in zip(refs, paths, strict=True)}
    if given.need == ONE_IMAGE:
        return Scene(views=(), region=region, photos=(Photo(image=refs[0]),)), files
    return Scene(views=(), region=region, sources=refs), files


def _slices(folder: Path) -> list[Path]:
    """Files in the order in which people number them."""
    found = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    if not 0 < len(found) <= MAX_SOURCES:
        count = f"{len(found)} files" if found else "nothing"
        raise InvalidScene(
            f"The folder {folder.name} holds {count}.", hint="Choose the folder of the slices."
        )
    return sorted(found, key=lambda each: natural(each.name))
