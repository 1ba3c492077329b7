# SPDX-License-Identifier: GPL-3.0-or-later
"""The alignment that a scene's settings describe. Opens no file: that is the client's thread's.

It must not know what becomes of it.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy
from bpy.types import Scene

from . import properties
from .photographs import FILMS
from .shared.errors import InvalidScene
from .shared.params import Scalar
from .shots import Order

METHOD = "align"
SEPARATOR = "/"
"""Between names of files: it cannot be in one."""


def order(scene: Scene) -> Order:
    """The job; raises `InvalidScene` if nothing is chosen."""
    if wrong := problem(scene):
        raise InvalidScene(wrong)
    settings = scene.lightkiln
    params: dict[str, Scalar] = {"in_order": True} if settings.in_order else {}
    return Order(
        order_id=str(uuid.uuid4()),
        title=_path(settings).stem or "Photographs",
        method=METHOD,
        preset=settings.align_preset,
        params=params,
        shots=(),
        region=None,
        folder=None,
        photographs=chosen(scene),
    )


def problem(scene: Scene) -> str:
    """What is missing, in a sentence; empty if nothing is."""
    if not scene.lightkiln.photographs:
        return "No photographs are chosen: choose or drop a folder of photographs, or a video."
    return ""


def chosen(scene: Scene) -> tuple[Path, ...]:
    """The folder, the video or the files that were chosen."""
    settings = scene.lightkiln
    if not settings.photographs:
        return ()
    path = _path(settings)
    names = settings.photograph_names
    return tuple(path / name for name in names.split(SEPARATOR)) if names else (path,)


def choose(scene: Scene, folder: Path, names: list[str]) -> None:
    """Note what was chosen: a folder, a video in it, or some of its files."""
    settings = scene.lightkiln
    whole = not names
    is_film = len(names) == 1 and Path(names[0]).suffix.lower() in FILMS
    settings.photographs = str(folder / names[0] if is_film else folder)
    settings.photograph_names = "" if whole or is_film else SEPARATOR.join(names)


def _path(settings: properties.LightkilnSettings) -> Path:
    return Path(bpy.path.abspath(settings.photographs))
