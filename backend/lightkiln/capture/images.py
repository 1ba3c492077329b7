# SPDX-License-Identifier: GPL-3.0-or-later
"""One image file in, pixels out: strict about what it opens, exact about what it returns.

The header is judged before a pixel is decoded, so that a small file cannot ask for much memory.
EXIF orientation is not applied: a camera's pose and lens belong to the pixels as they are stored.
It must not know scenes or files' origins; `name` is only for the error's sentence.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from PIL import Image

try:
    import pillow_heif
except ImportError:
    HAS_HEIF = False
else:
    HAS_HEIF = True
    pillow_heif.register_heif_opener()

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP") + (("HEIF",) if HAS_HEIF else ())
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
MIN_SIDE = 16
MAX_SIDE = 16_384
MAX_PIXELS = 200_000_000

# Pillow's own limit counts the same thing and would stop photographs of 90 megapixels.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# What Pillow's decoders were seen to raise on damaged files, besides its own UnidentifiedImageError
# (an OSError).
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError)


def read_size(path: Path, name: str) -> tuple[int, int]:
    """(width, height) in pixels from the header, within the limits; raises `InvalidScene`."""
    with _opened(path, name) as image:
        return image.size


def read_exif(path: Path, name: str) -> Image.Exif:
    """What the camera wrote beside the pixels; empty where it is damaged. Raises `InvalidScene`."""
    with _opened(path, name) as image:
        try:
            return image.getexif()
        except DAMAGE:
            return Image.Exif()


def read_image(path: Path, name: str) -> Image.Image:
    """Decode to mode RGB, or RGBA where the file has transparency; 8 bits a channel.

    Raises `InvalidScene`, naming the file, if it is missing, damaged, of another type or too large.
    """
    with _opened(path, name) as image:
        try:
            image.load()
        except DAMAGE as error:
            raise InvalidScene(
                f"The image {name} is damaged: {error}.",
                hint="Copy or export it again, or leave its camera out.",
            ) from None
        if image.mode.startswith(("I", "F")):
            return Image.fromarray(_from_deep(image, name)).convert("RGB")
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def read_mask(path: Path, name: str) -> Image.Image:
    """Decode a mask to mode L: the object is white. Raises `InvalidScene` as `read_image` does.

    Label images whose only values are 0 and 1 are stretched; a file of one colour with varying
    transparency gives its transparency.
    """
    image = read_image(path, name)
    grey = np.asarray(image.convert("L"))
    if image.mode == "RGBA" and grey.min() == grey.max():
        grey = np.asarray(image)[..., 3]
    return Image.fromarray(np.minimum(grey, 1) * np.uint8(255) if grey.max() <= 1 else grey)


def _opened(path: Path, name: str) -> Image.Image:
    """Open a file and judge its header; nothing is decoded yet."""
    try:
        image = Image.open(path, formats=FORMATS)
    except FileNotFoundError:
        raise InvalidScene(
            f"The image {name} does not exist.", hint="Check the path, or leave its camera out."
        ) from None
    except _BOMBS:
        raise InvalidScene(*_too_large(name)) from None
    except DAMAGE:
        if not HAS_HEIF and is_heif(path):
            raise InvalidScene(
                f"{name} is a HEIC photograph, which this backend cannot read.",
                hint="Install pillow-heif beside Lightkiln (the extra `heic`), or export JPEG.",
            ) from None
        raise InvalidScene(
            f"The file {name} is not an image that can be read.",
            hint="Use PNG, JPEG, TIFF or WebP, and check that the file is whole.",
        ) from None
    width, height = image.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        image.close()
        raise InvalidScene(*_too_large(name, f" ({width} x {height})"))
    if min(width, height) < MIN_SIDE:
        image.close()
        raise InvalidScene(
            f"The image {name} has only {width} x {height} pixels.",
            hint=f"Use images of at least {MIN_SIDE} x {MIN_SIDE}, or leave its camera out.",
        )
    return image


def is_heif(path: Path) -> bool:
    """By the file's first bytes: HEIC, as telephones write it."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS


def _too_large(name: str, size: str = "") -> tuple[str]:
    return (
        f"The image {name} is too large{size}: at most {MAX_PIXELS // 10**6} megapixels and "
        f"{MAX_SIDE} pixels a side can be used.",
    )


def _from_deep(image: Image.Image, name: str) -> NDArray[Any]:
    """16-bit grey to 8 bits; floating-point files hold no sRGB and are refused."""
    if image.mode.startswith("F"):
        raise InvalidScene(
            f"The image {name} holds floating-point values.",
            hint="Save it as an 8- or 16-bit PNG in the usual colour space (sRGB).",
        )
    deep = np.asarray(image).astype(np.int64).clip(0, 65_535)
    return np.rint(deep / 257).astype(np.uint8)
