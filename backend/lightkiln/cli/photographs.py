# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person means by PHOTOS: a folder of photographs, or a video, becomes a scene to align.

It must not know how photographs are aligned.
"""

from __future__ import annotations

from pathlib import Path

from lightkiln_shared.errors import UserError
from lightkiln_shared.scene import Photo, Scene

from lightkiln.capture.open_scene import file_ref

STILLS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".heic", ".heif")
FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
NAMED = 3
"""Of the files that were passed over, so many by name."""


def unposed(photos: Path) -> tuple[Scene, dict[str, Path], list[str]]:
    """The scene, where its files lie by SHA-256, and the names of files that are no photographs.

    Masks are looked for in `masks/` beside or inside the folder, under the photograph's name.
    Raises `UserError` if there is nothing to align.
    """
    if photos.is_file():
        stills, others = [photos], list[str]()
    elif photos.is_dir():
        stills, others = _in_folder(photos)
    else:
        raise UserError(f"There is no folder or video {photos}.", hint="Check the path.")
    if not stills:
        raise UserError(
            f"The folder {photos.name} holds no photographs.",
            hint=f"It needs files like {', '.join(STILLS[:4])}, or a video.",
        )
    given: list[Photo] = []
    files: dict[str, Path] = {}
    for path in stills:
        ref = file_ref(path)
        mask = _mask_of(path)
        mask_ref = None if mask is None else file_ref(mask)
        files[ref.sha256] = path
        if mask is not None and mask_ref is not None:
            files[mask_ref.sha256] = mask
        given.append(Photo(image=ref, mask=mask_ref))
    return Scene(views=(), photos=tuple(given)), files, others


def passed_over(names: list[str]) -> str:
    """A sentence about files that are no photographs; empty without any."""
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Not photographs, and passed over: {', '.join(names[:NAMED])}{more}."


def _in_folder(folder: Path) -> tuple[list[Path], list[str]]:
    """Photographs and videos directly in a folder, or else in its `images`; and what else is."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    shown = [path for path in files if path.suffix.lower() in STILLS + FILMS]
    if not shown and (folder / "images").is_dir():
        return _in_folder(folder / "images")
    hidden = [path.name for path in files if path not in shown and not path.name.startswith(".")]
    return [path for path in shown if not path.name.startswith(".")], hidden


def _mask_of(photo: Path) -> Path | None:
    for masks in (photo.parent / "masks", photo.parent.parent / "masks"):
        for name in (f"{photo.name}.png", f"{photo.stem}.png"):
            if (masks / name).is_file():
                return masks / name
    return None
