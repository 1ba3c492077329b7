# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of other programs' exports have in common: XML and JSON that is not trusted,
images looked for by their names, and rotations that have to be rigid.

It must not know any format.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from lightkiln_shared.camera import FloatArray
from lightkiln_shared.errors import InvalidScene

from .sources import SUFFIXES

IMAGE_FOLDERS = (".", "images", "..", "../images")
MAX_BYTES = 256 * 1024**2
"""Larger than the cameras of ten thousand photographs."""


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object; raises `InvalidScene`."""
    try:
        document = json.loads(_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise damaged(path.name, str(error)) from None
    if not isinstance(document, dict):
        raise damaged(path.name, "it holds no object")
    return document


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML document without entities of its own; raises `InvalidScene`."""
    data = _bytes(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise damaged(path.name, "it defines entities")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise damaged(path.name, str(error)) from None


def damaged(name: str, why: str) -> InvalidScene:
    """The error of an export that cannot be understood."""
    return InvalidScene(f"{name} cannot be read: {why}.", hint="Export the cameras again.")


def numbers(value: Any, count: int, where: str) -> FloatArray:
    """`count` finite numbers (count,) from a list or from text; raises `InvalidScene`."""
    parts = value.split() if isinstance(value, str) else value
    try:
        array = np.array([float(part) for part in parts])
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise InvalidScene(f"The {where} is not {count} numbers.", hint="Export the cameras again.")
    return array


def pose(rotation: FloatArray, centre: FloatArray) -> FloatArray:
    """`world_from_camera` (4, 4) of a rotation (3, 3) in few digits, and the camera's centre (3,).

    The nearest rotation is taken: U V^T of the singular value decomposition.
    """
    u, _, vt = np.linalg.svd(rotation)
    matrix = np.eye(4)
    matrix[:3, :3] = u @ vt
    matrix[:3, 3] = centre
    return matrix


def find_image(folder: Path, name: str) -> Path | None:
    """A photograph by the name that another program gives it, with or without its suffix.

    Of a path only the last part counts: it was another machine's.
    """
    plain = PureWindowsPath(name).name
    for place in IMAGE_FOLDERS:
        for candidate in (plain, *(f"{plain}{end}" for end in _ENDS)):
            if plain and (folder / place / candidate).is_file():
                return folder / place / candidate
    return None


def image_of(folder: Path, name: str) -> Path:
    """The same; raises `InvalidScene` if there is none."""
    path = find_image(folder, name)
    if path is None:
        raise InvalidScene(
            f"The image {PureWindowsPath(name).name} does not exist.",
            hint=f"Put it into {folder.name or folder} or its folder images.",
        )
    return path


def without_zeros(distortion: Sequence[float]) -> tuple[float, ...]:
    """Empty for a pinhole."""
    return tuple(distortion) if any(distortion) else ()


_ENDS = tuple(end for suffix in SUFFIXES for end in (suffix, suffix.upper()))


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise damaged(path.name, "it is too large for a list of cameras")
    return path.read_bytes()
