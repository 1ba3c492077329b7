# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what was given into photographs that everybody can open: films into frames, HEIC into JPEG.

It must not know how they are aligned.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightkiln_shared.errors import InvalidScene

from lightkiln.capture.images import is_heif, read_exif, read_image
from lightkiln.capture.inputs import PhotoFile

from .solved import Reason, Unplaced

QUALITY = 95


def as_photographs(
    given: Sequence[PhotoFile], folder: Path
) -> tuple[list[PhotoFile], list[Unplaced], bool]:
    """The photographs, what could not be read, and whether they are the frames of one film.

    Whatever had to be made lies in `folder`. Raises `InvalidScene` for a film that is none.
    """
    video: Any = importlib.import_module("lightkiln.capture.sfm.video")  # OpenCV only for films
    photos: list[PhotoFile] = []
    unreadable: list[Unplaced] = []
    num_films = 0
    for each in given:
        if not each.path.is_file() or each.path.stat().st_size == 0:
            photos.append(each)
        elif video.is_video(each.path):
            beside = folder / f"film-{num_films}"
            photos += _numbered(video.extract(each, beside), num_films)
            num_films += 1
        elif is_heif(each.path):
            try:
                photos.append(_converted(each, folder))
            except InvalidScene as error:
                unreadable.append(Unplaced(photo=each, reason=Reason.UNREADABLE, text=str(error)))
        else:
            photos.append(each)
    return photos, unreadable, num_films > 0 and num_films == len(given)


def _numbered(frames: list[PhotoFile], film: int) -> list[PhotoFile]:
    """Frames of several films have names of their own."""
    if film == 0:
        return frames
    return [PhotoFile(name=f"film{film}-{each.name}", path=each.path) for each in frames]


def _converted(photo: PhotoFile, folder: Path) -> PhotoFile:
    """As JPEG, with what the camera wrote beside the pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{len(list(folder.iterdir())):05}.jpg"
    image = read_image(photo.path, photo.name).convert("RGB")
    image.save(target, quality=QUALITY, exif=read_exif(photo.path, photo.name))
    return PhotoFile(name=f"{Path(photo.name).stem}.jpg", path=target, mask=photo.mask)
