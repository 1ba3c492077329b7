# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method that has learned shapes is given: photographs, points, a volume, or nothing.

A path as the person chose it becomes a scene whose files lie ready to be sent. No bpy. It must not
know methods, nor what is in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import image_files
from .photographs import file_ref
from .shared.checks import MAX_PICTURES, MAX_SOURCES
from .shared.errors import InvalidScene
from .shared.geometry import TriangleMesh
from .shared.names import natural
from .shared.scene import Photo, Region, Scene
from .transfers import Source
from .wishes import named, ply_of

ONE_IMAGE, FEW_IMAGES, POINTS, VOLUME = "one_image", "few_images", "points", "volume"
MESH, MESHES = "mesh", "meshes"
"""What such a method may need, as the backend says it."""
LOOKS = (ONE_IMAGE, FEW_IMAGES)
PLACED = ("", *LOOKS, MESH, MESHES)
"""Needs of what is made to stand in a region; points and volumes have places of their own."""
LEARNED = {(ONE_IMAGE,), (FEW_IMAGES,), (POINTS,), (VOLUME,), (MESH,), (MESHES,), ()}


@dataclass(frozen=True, slots=True)
class Given:
    """A choice."""

    need: str
    """Empty: nothing but a seed."""
    path: Path | None = None
    meshes: tuple[tuple[str, TriangleMesh], ...] = ()
    """To learn from, each with `family/name`."""


def scene_of(given: Given, region: Region) -> tuple[Scene, dict[str, Source]]:
    """The scene and its files by SHA-256; raises `InvalidScene` with what is wrong."""
    if not given.need:
        return Scene(views=(), region=region), {}
    if given.need in (MESH, MESHES):
        return _learned_from(given.meshes, region)
    path = given.path
    if path is None or not path.exists():
        raise InvalidScene("The file to make it from is not there.", hint="Choose it again.")
    if path.is_dir() and given.need == ONE_IMAGE:
        raise InvalidScene(
            f"{path.name} is a folder; the method looks at one photograph.",
            hint="Choose the photograph's file, or 3D-R2N2, which looks at several.",
        )
    paths = _inside(path, MAX_PICTURES if given.need in LOOKS else MAX_SOURCES)
    for each in paths if given.need in LOOKS else ():
        image_files.size_of(image_files.read_file(each, each.name), each.name)
    refs = tuple(map(file_ref, paths))
    files: dict[str, Source] = {ref.sha256: each for ref, each in zip(refs, paths, strict=True)}
    if given.need in LOOKS:
        photos = tuple(Photo(image=ref) for ref in refs)
        return Scene(views=(), region=region, photos=photos), files
    return Scene(views=(), region=region, sources=refs), files


def _learned_from(
    meshes: tuple[tuple[str, TriangleMesh], ...], region: Region
) -> tuple[Scene, dict[str, Source]]:
    files: dict[str, Source] = {}
    refs = tuple(named(ply_of(mesh), name, files) for name, mesh in meshes)
    return Scene(views=(), region=region, sources=refs), files


def _inside(folder: Path, most: int) -> list[Path]:
    """A folder's files in the order in which people number them; a file by itself."""
    if not folder.is_dir():
        return [folder]
    found = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    if not 0 < len(found) <= most:
        count = f"{len(found)} files" if found else "nothing"
        raise InvalidScene(
            f"The folder {folder.name} holds {count}; at most {most} are taken.",
            hint="Choose the folder of the pictures or slices.",
        )
    return sorted(found, key=lambda each: natural(each.name))
