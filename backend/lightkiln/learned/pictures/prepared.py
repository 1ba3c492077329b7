# SPDX-License-Identifier: GPL-3.0-or-later
"""Any photograph as the networks see it: the object cut out, centred, of one size, on black.

Outlines come from the picture's transparency; without one, from a plain background, whose colour
the picture's border tells. No more is tried: a wrong outline gives a wrong shape, so a picture
whose object does not stand out is refused. Training pictures go through the same window.
It must not know networks or files.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from scipy import ndimage

PIXELS = 64
FILLED = 0.8
"""Of the window's side that the longer side of the object's box takes."""
SMALLEST = 8
"""Pixels of a picture's side."""
OPAQUE = 250
"""Alpha from which a picture counts as not cut out: some programs write 254."""
LEAST, MOST = 0.002, 0.95
"""Shares of the picture that an object may take."""
STANDS_OUT, UNEVEN = 0.10, 0.12
"""Distance of colours, of 1, between object and background; and at most within the background."""
SPECK = 0.05
"""Parts of an outline below this share of its largest are dirt."""
HINT = "Cut the object out: give a picture with a transparent, or at least a plain, background."


def prepared(
    image: Shaped[NDArray[Any], "H W *C"], pixels: int = PIXELS
) -> Float[NDArray[Any], "4 {pixels} {pixels}"]:
    """The networks' input: red, green, blue times alpha, and alpha, in [0, 1].

    Raises `InvalidScene` if the object does not stand out.
    """
    rgba = cut_out(as_rgba(image))
    seen = premultiplied(rgba)
    cropped = _crop(seen, window(rgba[..., 3]))
    small = cv2.resize(cropped, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.moveaxis(small, -1, 0))


def as_rgba(image: Shaped[NDArray[Any], "H W *C"]) -> UInt8[NDArray[Any], "H W 4"]:
    """Grey, grey and alpha, RGB or RGBA; 8 or 16 bits, or numbers in [0, 1]."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype != np.uint8:
        image = np.rint(255.0 * np.clip(np.nan_to_num(image), 0.0, 1.0)).astype(np.uint8)
    planes = image.reshape(*image.shape[:2], -1)
    if min(planes.shape[:2]) < SMALLEST:
        raise InvalidScene(
            f"The picture is too small ({planes.shape[1]} x {planes.shape[0]}).",
            hint=f"Give one of {PIXELS} pixels a side, or more.",
        )
    if planes.shape[2] in (1, 2):
        planes = np.concatenate([planes[..., :1].repeat(3, axis=2), planes[..., 1:]], axis=2)
    if planes.shape[2] == 3:
        planes = np.concatenate([planes, np.full_like(planes[..., :1], 255)], axis=2)
    return planes


def cut_out(rgba: UInt8[NDArray[Any], "H W 4"]) -> UInt8[NDArray[Any], "H W 4"]:
    """The same with an alpha that tells the object; raises `InvalidScene`."""
    alpha = rgba[..., 3]
    if alpha.min() >= OPAQUE:
        alpha = np.where(_before_plain(rgba[..., :3]), np.uint8(255), np.uint8(0))
    share = float((alpha > 127).mean())
    if share < LEAST:
        raise InvalidScene("Nothing stands out in the picture.", hint=HINT)
    if share > MOST:
        raise InvalidScene("The object fills the whole picture.", hint=HINT)
    return np.concatenate([rgba[..., :3], alpha[..., None]], axis=2)


def window(alpha: UInt8[NDArray[Any], "H W"]) -> Float[NDArray[Any], " 3"]:
    """The square about an object: its middle x and y, and its side, in pixels."""
    seen = alpha > 127
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return np.array([0.5 * alpha.shape[1], 0.5 * alpha.shape[0], max(alpha.shape)], float)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(bottom - top, right - left) / FILLED
    return np.array([0.5 * (left + right), 0.5 * (top + bottom), side], float)


def premultiplied(rgba: UInt8[NDArray[Any], "*n H W 4"]) -> Float[NDArray[Any], "*n H W 4"]:
    """Colours times alpha, and alpha, in [0, 1]."""
    numbers = rgba.astype(np.float32) / 255.0
    numbers[..., :3] *= numbers[..., 3:]
    return numbers


def _before_plain(rgb: UInt8[NDArray[Any], "H W 3"]) -> Bool[NDArray[Any], "H W"]:
    """What is not of the border's colour, without specks and holes."""
    colors = rgb.astype(np.float32) / 255.0
    wide = max(1, min(rgb.shape[:2]) // 50)
    is_border = np.ones(rgb.shape[:2], bool)
    is_border[wide:-wide, wide:-wide] = False
    away = np.abs(colors - np.median(colors[is_border], axis=0)).max(axis=-1)
    unevenness = float(np.quantile(away[is_border], 0.9))
    if unevenness > UNEVEN:
        raise InvalidScene("The object does not stand out from its background.", hint=HINT)
    parts, count = ndimage.label(ndimage.binary_fill_holes(away > STANDS_OUT + unevenness))
    sizes = np.bincount(parts.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    return np.asarray((sizes > SPECK * max(1, sizes.max()))[parts])


def _crop(
    seen: Float[NDArray[Any], "H W 4"], window: Float[NDArray[Any], " 3"]
) -> Float[NDArray[Any], "side side 4"]:
    """What lies in a window to the nearest pixel; beyond the picture's edges there is nothing."""
    side = max(1, round(window[2]))
    left, top = (round(value - 0.5 * side) for value in window[:2])
    (height, width), cropped = seen.shape[:2], np.zeros((side, side, 4), np.float32)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    cropped[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = seen[
        rows, columns
    ]
    return cropped
