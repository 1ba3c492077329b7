# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of backends: this computer's, the paired and the announced ones, and a free line.

What is typed into the two fields is kept here and not in Blender's data: so neither a .blend, nor
undo, nor the preferences ever hold a pairing code. Main thread only; nothing is waited for here.
It must not know sockets: pairing and searching run in threads of their own.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import CollectionProperty, IntProperty, StringProperty
from bpy.types import PropertyGroup, Scene, WindowManager

from . import backend, job_list, jobs, pairing, places, status
from .mailbox import Link
from .searching import Searching
from .shared.address import read_invitation
from .shared.announcement import Announced
from .shared.errors import LightkilnError, UserError
from .shared.sharing import AskLoad

EVERY = 3.0
"""Seconds from one answer about the backend's load to the next question."""
OTHER = "other"
STOP_SECONDS = 3.0


class LightkilnListedBackend(PropertyGroup):
    """A line of the list; its `name` is the line's key."""


CLASSES = (LightkilnListedBackend,)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list."""

    key: str
    label: str
    place: str | None = None
    """What it is called in `places`; None: it is not paired."""
    announced: Announced | None = None


class _State:
    def __init__(self) -> None:
        self.search: Searching | None = None
        self.seen: tuple[object, ...] = ()
        """What the list was made of when it was last drawn."""
        self.lines: dict[str, Line] = {}
        self.address = self.code = ""
        self.load_due = 0.0


_state = _State()


def register() -> None:
    WindowManager.lightkiln_backends = CollectionProperty(type=LightkilnListedBackend)
    WindowManager.lightkiln_backend_index = IntProperty(
        name="Backend", description="The backend that the buttons are about"
    )
    WindowManager.lightkiln_address = StringProperty(
        name="Address",
        description="Where the backend is: attic, attic.local:7417, 192.168.1.20, [fd00::5]:7417",
        get=lambda _: _state.address,
        set=lambda _, text: _take_address(text),
    )
    WindowManager.lightkiln_code = StringProperty(
        name="Code",
        description=(
            "The code that `lightkiln pair` shows at the backend, or the whole connection string. "
            "It is used once and kept nowhere"
        ),
        subtype="PASSWORD",
        get=lambda _: _state.code,
        set=lambda _, text: setattr(_state, "code", text),
    )


def unregister() -> None:
    global _state
    if _state.search is not None:
        _state.search.stop()
        _state.search.join(STOP_SECONDS)
    _state = _State()
    places.forget_read()
    del WindowManager.lightkiln_backends, WindowManager.lightkiln_backend_index
    del WindowManager.lightkiln_address, WindowManager.lightkiln_code


# ------------------------------------------------------------ the list


def line(key: str) -> Line | None:
    """A line by its key."""
    return _state.lines.get(key)


def selected() -> Line | None:
    """The line that is chosen in the list."""
    manager = bpy.context.window_manager
    index = manager.lightkiln_backend_index
    if not 0 <= index < len(manager.lightkiln_backends):
        return None
    return _state.lines.get(manager.lightkiln_backends[index].name)


def is_searching() -> bool:
    """True while the network is listened to."""
    return _state.search is not None and _state.search.is_on


def search_problem() -> str:
    """Why the last search failed, in a sentence."""
    return "" if _state.search is None else _state.search.problem


def look() -> bool:
    """What the timer does: the list, the load, the permission. True if panels have changed."""
    if is_searching() and not bpy.app.online_access:
        stop_search()
    if status.current.link not in (Link.OFF, Link.FAILED) and (lost := places.lost_permission()):
        backend.refuse(lost)
    _ask_load_if_due()
    found = () if _state.search is None else _state.search.found
    seen = (places.known(), found, is_searching(), search_problem())
    if seen == _state.seen:
        return False
    _state.seen = seen
    places.hear(found)
    _fill({each.key: each for each in _lines(found)})
    return True


def _lines(found: tuple[Announced, ...]) -> list[Line]:
    lines = [Line("here", "This Computer", places.HERE)]
    known = places.known()
    for name in sorted(known.backends):
        server_id = known.backends[name].server_id
        lines.append(Line(server_id, name, server_id))
    for each in found:
        if not known.name_of(each.server_id):
            lines.append(Line(f"{each.server_id} {each.addresses[0]}", each.name, None, each))
    return [*lines, Line(OTHER, "Another Address")]


def _fill(lines: dict[str, Line]) -> None:
    manager = bpy.context.window_manager
    chosen = selected()
    _state.lines = lines
    if [row.name for row in manager.lightkiln_backends] == list(lines):
        return
    manager.lightkiln_backends.clear()
    for key in lines:
        manager.lightkiln_backends.add().name = key
    _select(chosen.key if chosen is not None else places.chosen() or "here")


def _select(key: str) -> None:
    keys = list(_state.lines)
    index = keys.index(key) if key in keys else 0
    bpy.context.window_manager.lightkiln_backend_index = index


def _take_address(text: str) -> None:
    """An address; of a whole connection string the code goes where codes are kept."""
    _state.address = text
    try:
        invitation = read_invitation(text)
    except UserError:
        return  # told when it is used
    if invitation.code:
        _state.address, _state.code = str(invitation.address), text


# ------------------------------------------------------------ choosing


def use(place: str) -> None:
    """Connect to a place; the job that is shown stays with the backend that has it."""
    if place != places.chosen():
        _leave_for(place)
    backend.connect()


def _leave_for(place: str) -> None:
    jobs.leave()
    backend.disconnect()
    job_list.clear()
    places.choose(place)


def go_to_job(scene: Scene, job_id: str) -> None:
    """Follow a file's job at the backend that has it."""
    place = scene.lightkiln.job_server
    try:
        if place and places.backend_at(place) is None:
            raise UserError("This file's job is at a backend that is not paired with here.")
        if place != places.chosen():
            _leave_for(place)
        if not backend.is_connected():
            backend.connect(may_start=False)
    except UserError as error:
        status.current.problem = str(error)
        return
    jobs.follow(scene.name, job_id)


def forget(place: str) -> None:
    """Know a backend no more."""
    if place == places.chosen():
        _leave_for(places.HERE)
    places.forget(place)


# ------------------------------------------------------------ searching and pairing


def start_search() -> None:
    """Listen for a while."""
    stop_search()
    _state.search = Searching()


def stop_search() -> None:
    """Stop listening; what was found stays in the list."""
    if _state.search is not None:
        _state.search.stop()


def can_pair() -> str:
    """What is missing for pairing with the chosen line: a sentence without a stop, or nothing."""
    chosen = selected()
    if status.current.is_pairing:
        return "A pairing is under way"
    if chosen is None or chosen.key == "here":
        return "The backend on this computer needs no pairing"
    if not _state.code and not (chosen.key == OTHER and _state.address):
        return "Type the code that `lightkiln pair` shows at the backend"
    return ""


def pair() -> None:
    """Pair with the chosen line by what was typed; the code is forgotten at once."""
    code, _state.code = _state.code, ""
    chosen = selected()
    assert chosen is not None  # the operator's poll sees to it
    heard = chosen.announced.addresses if chosen.announced is not None else ()
    server_id = chosen.announced.server_id if chosen.announced is not None else ""
    if chosen.place and (before := places.backend_at(chosen.place)) is not None:
        heard, server_id = (before.address,), before.fingerprint
    wish = pairing.read_wish(_state.address, code, heard, server_id)
    if refused := places.refusal(wish.addresses):
        raise UserError(refused)
    known = places.known()
    status.current.is_pairing, status.current.pairing = True, "Pairing…"
    backend.when_done(backend.aside(lambda: pairing.pair(wish, known)), _take_pairing)


def _take_pairing(future: Future[Any]) -> None:
    status.current.is_pairing, status.current.pairing = False, ""
    try:
        met = future.result()
        places.remember(met.name, met.backend)
        _state.address = ""
        look()
        _select(met.backend.server_id)
        use(met.backend.server_id)
    except LightkilnError as error:
        status.current.pairing = str(error)


# ------------------------------------------------------------ how busy it is


def _ask_load_if_due() -> None:
    if status.current.link is Link.ONLINE and time.monotonic() >= _state.load_due:
        _state.load_due = float("inf")  # until it is answered
        backend.when_done(backend.client().request(AskLoad()), _take_load)


def _take_load(future: Future[Any]) -> None:
    _state.load_due = time.monotonic() + EVERY
    try:
        status.current.load = future.result()
    except (LightkilnError, CancelledError):
        status.current.load = None  # the connection's state is shown elsewhere
