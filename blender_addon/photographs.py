# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of photographs or a video to a scene without cameras, ready to be sent. No bpy.

Files are hashed and never decoded: which of them are good photographs, the backend says. Masks are
looked for in `masks/`, beside or inside the folder, under the photograph's name.
It must not know the wire or Blender.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .shared.errors import InvalidScene
from .shared.scene import FileRef, Photo, Scene

STILLS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".heic", ".heif")
FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
NAMED = 3
"""Of the files that were passed over, so many by name."""

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a person's choice comes to."""

    photographs: tuple[Path, ...]
    others: tuple[str, ...]
    """Names of files that are neither photographs nor videos."""


def find(chosen: Sequence[Path]) -> Found:
    """The photographs in a folder, or the files that were named; raises `InvalidScene`."""
    if len(chosen) == 1 and chosen[0].is_dir():
        found = _in_folder(chosen[0])
    else:
        found = _sorted_out(chosen)
    missing = next((path for path in found.photographs if not path.is_file()), None)
    if missing is not None:
        raise InvalidScene(
            f"There is no folder, photograph or video {missing.name}.", hint="Choose it again."
        )
    if not found.photographs:
        raise InvalidScene(
            f"There are no photographs in {chosen[0].name}."
            if chosen
            else "No photographs are chosen.",
            hint=f"Choose a folder with files like {', '.join(STILLS[:4])}, or a video.",
        )
    return found


def scene_of(chosen: Sequence[Path], tell: Tell) -> tuple[Scene, dict[str, Path]]:
    """The scene, and its files by SHA-256; raises `InvalidScene`."""
    files: dict[str, Path] = {}
    photos = []
    paths = find(chosen).photographs
    for index, path in enumerate(paths):
        tell("Reading photographs", index / len(paths))
        mask = mask_of(path)
        refs = [None if each is None else file_ref(each) for each in (path, mask)]
        image, mask_ref = refs
        assert image is not None
        files[image.sha256] = path
        if mask is not None and mask_ref is not None:
            files[mask_ref.sha256] = mask
        photos.append(Photo(image=image, mask=mask_ref))
    return Scene(views=(), photos=tuple(photos)), files


def passed_over(names: Sequence[str]) -> str:
    """A sentence about files that are no photographs; empty without any."""
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Not photographs, and passed over: {', '.join(names[:NAMED])}{more}."


def lying_in(chosen: Sequence[Path], refs: Iterable[FileRef]) -> dict[str, Path]:
    """Where the files of a scene lie by SHA-256, as far as they are among the chosen ones."""
    try:
        photographs = find(chosen).photographs
    except InvalidScene:  # moved away since
        return {}
    wanted = {ref.sha256: ref.size for ref in refs}
    sizes = set(wanted.values())
    masks = (mask for path in photographs if (mask := mask_of(path)) is not None)
    by_hash = {
        file_ref(path).sha256: path
        for path in (*photographs, *masks)
        if path.stat().st_size in sizes  # spares reading what cannot be one
    }
    return {sha256: path for sha256, path in by_hash.items() if sha256 in wanted}


def file_ref(path: Path) -> FileRef:
    """A file by its content; raises `InvalidScene` if it cannot be read."""
    try:
        about = path.stat()
        return _hashed(path, about.st_size, about.st_mtime_ns)
    except OSError as error:
        raise InvalidScene(
            f"{path.name} cannot be read: {error.strerror}.",
            hint="Check its permissions, or take it out of the folder.",
        ) from None


def mask_of(photograph: Path) -> Path | None:
    """The file of a photograph's mask, where there is one."""
    for folder in (photograph.parent / "masks", photograph.parent.parent / "masks"):
        for name in (f"{photograph.name}.png", f"{photograph.stem}.png"):
            if (folder / name).is_file():
                return folder / name
    return None


@functools.lru_cache(maxsize=4096)
def _hashed(path: Path, size: int, _mtime: int) -> FileRef:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRef(sha256=digest, size=size, name=path.name)


def _in_folder(folder: Path) -> Found:
    """Directly in a folder, or else in its `images`."""
    found = _sorted_out(sorted(path for path in folder.iterdir() if path.is_file()))
    if not found.photographs and (folder / "images").is_dir():
        return _in_folder(folder / "images")
    return found


def _sorted_out(paths: Sequence[Path]) -> Found:
    shown = [path for path in paths if not path.name.startswith(".")]
    fit = [path for path in shown if path.suffix.lower() in STILLS + FILMS]
    return Found(tuple(fit), tuple(path.name for path in shown if path not in fit))
