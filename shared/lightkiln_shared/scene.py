# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene: posed views, a region, photographs whose cameras are not known (yet), a prompt, or the
files from which a method that has learned shapes makes one.

Files are named by their content, never by a path. What has a camera is a `View`, what has none is a
`Photo`, so no view is ever without a pose: the job `align` is submitted with `photos` alone and
leaves a scene whose `views` are those that it placed and whose `photos` are the others.

The scene travels and rests as one JSON document (`codec.to_json`, `codec.from_json`), the same
in Blender, on the wire and in a job's folder; the files lie beside it under their SHA-256.
It must not know where files are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .camera import Camera, Matrix4


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A file by its content."""

    sha256: str
    """64 lower-case hexadecimal digits."""
    size: int
    """Bytes."""
    name: str
    """For people only: what the file was called. Never part of a path."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """A camera, its image, perhaps a mask."""

    camera: Camera
    image: FileRef
    mask: FileRef | None = None
    """Object white, background black; without it the image's alpha is the mask, if it varies."""

    @property
    def name(self) -> str:
        return self.image.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """An image without a camera; for the method `align` also a video."""

    image: FileRef
    mask: FileRef | None = None
    """As in a view."""

    @property
    def name(self) -> str:
        return self.image.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is wanted, in words; for methods that need `text`."""

    text: str
    negative: str = ""
    """What is not wanted."""
    start: FileRef | None = None
    """A mesh (binary PLY, in the region's frame) to begin from."""


class RegionShape(StrEnum):
    BOX = "box"
    SPHERE = "sphere"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """The part of space to reconstruct: the cube [-1, 1]³ or the unit ball, placed in the world."""

    shape: RegionShape
    world_from_region: Matrix4
    """Affine (4, 4), metres; may scale each axis differently."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Posed views and a region; without a region one is fitted to the views."""

    views: tuple[View, ...]
    region: Region | None = None
    photos: tuple[Photo, ...] = ()
    """Photographs without cameras; only methods that need `unposed_photos` look at them."""
    path: tuple[Camera, ...] = ()
    """Cameras, pinholes, from which pictures are wanted, in the order of the frames."""
    prompt: Prompt | None = None
    """Then `region` is where the thing is to stand, and a first of `photos` an image beside it."""
    sources: tuple[FileRef, ...] = ()
    """For methods that need `points` or a `volume`: a file of points; a file, or the slices in
    their order, and perhaps `spacing.json`."""

    @property
    def files(self) -> tuple[FileRef, ...]:
        """Every file that the scene names."""
        shown: tuple[View | Photo, ...] = (*self.views, *self.photos)
        refs = [ref for each in shown for ref in (each.image, each.mask)]
        if self.prompt is not None:
            refs.append(self.prompt.start)
        return tuple(ref for ref in (*refs, *self.sources) if ref is not None)
