# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that this Blender knows, which of them is in use, and whether it may be reached.

A place is called by its backend's id, the one of this computer by an empty text. All of it is read
from and kept in one private file in the extension's own folder; nothing of it is in preferences or
in a .blend but the id, which is public. Main thread only.
It must not know how a list is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import bpy

from . import known_backends, preferences, status
from .connection import Endpoint
from .known_backends import Kept, Paired
from .launcher import Launcher
from .shared.address import DEFAULT_PORT, Address
from .shared.announcement import Announced
from .shared.errors import UserError
from .shared.known import Backend, Backends

HERE = ""
ELSEWHERE = Address("elsewhere", DEFAULT_PORT)
"""Stands for any other computer."""
_kept: Kept | None = None
_heard: dict[str, tuple[Address, ...]] = {}


def known() -> Backends:
    """The paired backends."""
    return _read().known


def chosen() -> str:
    """The place in use."""
    return _read().chosen


def backend_at(place: str) -> Backend | None:
    """The paired backend of a place; None for this computer's and for one that is not known."""
    name = known().name_of(place) if place else ""
    return known().backends.get(name)


def name_of(place: str) -> str:
    """What a person calls a place."""
    return known().name_of(place) if place else "this computer"


def choose(place: str) -> None:
    """Use a place from now on."""
    if place != chosen():
        _write(replace(_read(), chosen=place))


def remember(name: str, backend: Backend) -> None:
    """Keep a backend that was paired, or found elsewhere."""
    _write(replace(_read(), known=known().with_one(name, backend)))


def answered_at(place: str, address: Address) -> None:
    """A known backend has answered: look there first the next time."""
    backend = backend_at(place)
    if backend is not None and backend.address != address:
        remember(name_of(place), replace(backend, address=address))


def forget(place: str) -> None:
    """Know a backend no more."""
    left = known().without(name_of(place))
    _write(Kept(known=left, chosen=HERE if chosen() == place else chosen()))


def hear(found: Iterable[Announced]) -> None:
    """Where backends are announced just now: known ones are looked for there, too."""
    global _heard
    _heard = {each.server_id: each.addresses for each in found}


def finder(*, may_start: bool) -> Callable[[], Endpoint]:
    """What finds the place in use; `UserError` if it may not be reached now."""
    backend = backend_at(chosen())
    if backend is None:
        launcher = Launcher(preferences.get().command, preferences.data_folder())
        return launcher.locate if may_start else launcher.attach
    if refused := refusal((backend.address,)):
        raise UserError(refused)
    return Paired(backend, _heard.get(chosen(), ())).locate


def refusal(addresses: Iterable[Address]) -> str:
    """Why some addresses may not be reached: a sentence, or nothing."""
    if bpy.app.online_access or all(address.is_loopback for address in addresses):
        return ""
    if bpy.app.online_access_override:
        return "Blender was started in offline mode: start it without, to use other computers."
    return (
        "Blender's online access is off: allow it under Preferences, System, Network, to use "
        "other computers."
    )


def refusal_of(place: str | None, announced: Announced | None) -> str:
    """The same for a line of the list: a known backend, one that is announced, or any other."""
    backend = backend_at(place) if place else None
    if backend is not None:
        return refusal((backend.address,))
    return refusal(announced.addresses if announced is not None else (ELSEWHERE,))


def may_search() -> bool:
    """Listening needs the same permission."""
    return not refusal((ELSEWHERE,))


def lost_permission() -> str:
    """Why the place in use may not be reached any more: a sentence, or nothing."""
    backend = backend_at(chosen())
    return "" if backend is None else refusal((backend.address,))


def forget_read() -> None:
    """Read the file anew when next asked: the extension goes, or the folder changed."""
    global _kept
    _kept = None


def _read() -> Kept:
    global _kept
    if _kept is None:
        try:
            _kept = known_backends.read(_path())
        except UserError as error:
            _kept, status.current.problem = Kept(), str(error)
        if _kept.chosen and not _kept.known.name_of(_kept.chosen):
            _kept = replace(_kept, chosen=HERE)
    return _kept


def _write(kept: Kept) -> None:
    global _kept
    known_backends.write(_path(), kept)
    _kept = kept


def _path() -> Path:
    return preferences.own_folder("paired") / "backends.json"
