# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack of grey pictures, one a slice, in the order in which people count their names.

A picture is taken as radiologists hang it: its right is the patient's left, its top the front; the
first slice is the lowest. Beside them `spacing.json` may lie: `{"spacing_mm": [x, y, z]}`, and
`slope` and `intercept` where grey values are not Hounsfield units.
It must not know other formats.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.names import natural
from numpy.typing import NDArray
from PIL import Image

from .images import DAMAGE, MAX_PIXELS
from .volume import LPS, Volume

PICTURES = (".png", ".tif", ".tiff")
BESIDE = "spacing.json"
GREY = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")
Spacing = tuple[float, float, float]


def read_stack(files: Sequence[Path], folder: Path, spacing: Spacing | None) -> Volume:
    """Slices in natural order; raises `InvalidScene`."""
    about = _about(folder / BESIDE)
    step = _spacing(spacing if spacing is not None else about.get("spacing_mm"), folder.name)
    ordered = sorted(files, key=lambda path: natural(path.name))
    slices = [each for path in ordered for each in _slices(path)]
    for path, each in zip(ordered, slices, strict=False):
        if each.shape != slices[0].shape:
            (w, h), (first_w, first_h) = each.shape, slices[0].shape
            raise InvalidScene(
                f"{path.name} is {w} x {h}, but {ordered[0].name} is {first_w} x {first_h}.",
                hint="All slices must have one size.",
            )
    slope, intercept = (np.float32(about.get(k, d)) for k, d in (("slope", 1), ("intercept", 0)))
    return Volume(
        values=np.stack(slices, axis=-1) * slope + intercept,
        world_from_index=LPS @ np.diag([*step, 1.0]),
    )


def _slices(path: Path) -> list[Float[NDArray[Any], "x y"]]:
    """A file's pictures: a TIFF may hold many."""
    try:
        with Image.open(path, formats=("PNG", "TIFF")) as image:
            frames = range(getattr(image, "n_frames", 1))
            return [_grey(image, frame, path) for frame in frames]
    except DAMAGE:
        raise InvalidScene(
            f"{path.name} is damaged, or no picture.", hint="Copy or export it again."
        ) from None


def _grey(image: Image.Image, frame: int, path: Path) -> Float[NDArray[Any], "x y"]:
    image.seek(frame)
    if image.width * image.height > MAX_PIXELS:
        raise InvalidScene(f"{path.name} is too large.", hint="Make the slices smaller.")
    if image.mode not in GREY:
        raise InvalidScene(f"{path.name} is a colour picture.", hint="Give grey slices.")
    return np.asarray(image, dtype=np.float32).T


def _about(path: Path) -> dict[str, Any]:
    """What lies beside the slices; nothing where there is no such file."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        usable = isinstance(found, dict) and all(
            math.isfinite(float(found.get(key, 1.0))) for key in ("slope", "intercept")
        )
    except (ValueError, TypeError):
        usable = False
    if not usable:
        raise InvalidScene(
            f"{path.name} cannot be read.", hint='Write {"spacing_mm": [x, y, z]} into it.'
        )
    return dict(found)


def _spacing(given: Any, name: str) -> Spacing:
    if given is None:
        raise InvalidScene(
            f"The slices in {name} do not say how far apart they are.",
            hint=f"Give the spacing in mm along x, y and z, or put a {BESIDE} beside them.",
        )
    try:
        x, y, z = (float(each) for each in given)
    except (TypeError, ValueError):
        x = y = z = math.nan
    if not all(math.isfinite(each) and each > 0.0 for each in (x, y, z)):
        raise InvalidScene(
            f"The spacing of {name} is not three lengths above zero.",
            hint="Give mm along x, y and z, as 0.8, 0.8, 2.",
        )
    return x, y, z
