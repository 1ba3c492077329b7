# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at photographs before they are matched, and writes them small, 8-bit and plainly named.

Whatever a photograph is (16-bit, CMYK, with any name), COLMAP sees `images/00001.png`. What is
turned by EXIF stays as it is stored, for so its camera will be; only the guess of "up" asks.
It must not know how features are found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import laplace

from lightkiln.capture.images import read_exif, read_image, read_mask
from lightkiln.capture.inputs import PhotoFile

from .solved import Reason, Unplaced, Watch

SHARPNESS_SIDE = 800
"""Pixels: sharpness is compared at one size."""
_ORIENTATION, _MAKE, _MODEL, _FOCAL, _FOCAL_35 = 0x0112, 0x010F, 0x0110, 0x920A, 0xA405
FILM_WIDTH = 36.0
"""Millimetres, of what EXIF calls 35 mm film."""

Lens = tuple[str, str, float, int, int]
"""Make, model, focal length and size: photographs that agree share their intrinsics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A photograph as it lies in the workspace."""

    photo: PhotoFile
    file: str
    """`00001.png` in `images/`, its mask `00001.png.png` in `masks/`."""
    size: tuple[int, int]
    """(width, height) of the photograph, pixels as they are stored."""
    small: tuple[int, int]
    """(width, height) of the file."""
    orientation: int
    """EXIF's: 1 is upright, 6 and 8 are turned by a quarter, 3 by a half."""
    lens: Lens
    focal: float | None
    """Pixels of the file, from EXIF."""
    sharpness: float
    """Variance of the Laplacian at one size, only to be compared."""


def prepare(
    photos: Sequence[PhotoFile], workspace: Path, max_side: int, watch: Watch
) -> tuple[list[Prepared], list[Unplaced]]:
    """Write what can be used into the workspace; what cannot, with its reason."""
    for name in ("images", "masks"):
        (workspace / name).mkdir(parents=True, exist_ok=True)
    prepared: list[Prepared] = []
    unplaced: list[Unplaced] = []
    seen: dict[str, PhotoFile] = {}
    for index in watch.steps(len(photos)):
        photo = photos[index]
        try:
            first = seen.setdefault(_content(photo), photo)
            if first is not photo:
                text = f"It is the same photograph as {first.name}."
                unplaced.append(Unplaced(photo=photo, reason=Reason.DUPLICATE, text=text))
                continue
            prepared.append(_prepare(photo, f"{index:05}.png", workspace, max_side))
        except InvalidScene as error:
            unplaced.append(Unplaced(photo=photo, reason=Reason.UNREADABLE, text=str(error)))
        watch.record(photographs=len(prepared))
    return prepared, unplaced


def _content(photo: PhotoFile) -> str:
    try:
        with photo.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InvalidScene(f"The photograph {photo.name} does not exist.") from None


def _prepare(photo: PhotoFile, file: str, workspace: Path, max_side: int) -> Prepared:
    image, exif = read_image(photo.path, photo.name), read_exif(photo.path, photo.name)
    size = image.size
    factor = min(1.0, max_side / max(size))
    small = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    rgb = image.convert("RGB").resize(small, Image.Resampling.LANCZOS)
    rgb.save(workspace / "images" / file, compress_level=1)
    mask = _mask(photo, image)
    if mask is not None:
        mask.resize(small, Image.Resampling.BOX).point(lambda v: 255 * (v > 127)).save(
            workspace / "masks" / f"{file}.png", compress_level=1
        )
    inner = exif.get_ifd(0x8769)
    film = _number(inner.get(_FOCAL_35))
    return Prepared(
        photo=photo,
        file=file,
        size=size,
        small=small,
        orientation=exif.get(_ORIENTATION, 1),
        lens=(
            str(exif.get(_MAKE, "")),
            str(exif.get(_MODEL, "")),
            _number(inner.get(_FOCAL)),
            *size,
        ),
        focal=film / FILM_WIDTH * max(small) if film > 0.0 else None,
        sharpness=sharpness(np.asarray(rgb.convert("L"))),
    )


def _mask(photo: PhotoFile, image: Image.Image) -> Image.Image | None:
    if photo.mask is not None:
        return read_mask(photo.mask, photo.mask.name).resize(image.size)
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        return image.getchannel("A")
    return None


def sharpness(grey: NDArray[Any]) -> float:
    """Variance of the Laplacian of an image (H, W), shrunk to one size."""
    step = max(1, max(grey.shape) // SHARPNESS_SIDE)
    return float(laplace(grey[::step, ::step].astype(np.float32)).var())


def _number(value: Any) -> float:
    """EXIF's rational as a number; 0 where it is missing or a division by nothing."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if np.isfinite(number) else 0.0
