# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going on, as the panels show it. Only the main thread touches it. No bpy.

It lives outside the .blend on purpose: no file can be saved in which a button is dead, and opening
another file does not lose the job.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .candidates import Drawn
from .curves import Curve
from .found_frames import FoundFrames
from .found_masks import FoundMask
from .given import LEARNED
from .mailbox import Link
from .preflight import Report
from .previews import Picture
from .results import Result
from .said import Said
from .shared.jobs import JobState, JobSummary, Progress
from .shared.messages import MethodInfo, Welcome
from .shared.sharing import Load
from .shots import Order
from .solved import Solved

TEXT = "text"
"""What a method needs that makes something of words."""


@dataclass(slots=True)
class Job:
    """The job that the panels are about."""

    scene: str
    """Name of the Blender scene that ordered it."""
    place: str = ""
    """The backend that has it, as `places` calls it; empty: the one of this computer."""
    job_id: str = ""
    """Empty until the backend has accepted it."""
    order: Order | None = None
    """What was ordered; None after another file was opened, or if it is finished again."""
    title: str = ""
    method: str = ""
    preset: str = ""
    state: JobState | None = None
    """None: on its way to the backend."""
    stage: str = "Connecting"
    """What the extension itself is doing for it."""
    fraction: float = 0.0
    """How much of the stage is done."""
    reason: str = ""
    """Why it failed or waits."""
    progress: Progress | None = None
    curves: dict[str, Curve] = field(default_factory=dict)
    """The figures since they were first told here, by name."""
    warnings: list[str] = field(default_factory=list)
    picture: Picture | None = None
    """The newest preview image."""
    result: Result | None = None
    """What it has left, fetched and waiting to be imported."""
    solved: Solved | None = None
    """The cameras that an alignment has left, fetched and waiting to be imported."""
    masks: tuple[FoundMask, ...] | None = None
    """The masks that were found, fetched and waiting to be imported."""
    frames: FoundFrames | None = None
    """The pictures that it has rendered, fetched and waiting to be shown."""
    said: Said | None = None
    """What was asked for in words, fetched with the result."""
    fetching: bool = False
    imported_as: str = ""
    """Name of the object that holds the mesh."""
    shown: str = ""
    """Where the pictures are that came with it, in a few words."""

    @property
    def imported(self) -> bool:
        """True once the mesh is in the scene."""
        return self.imported_as != ""

    @property
    def waits(self) -> bool:
        """True if something was fetched that is not in the scene yet."""
        fetched = (self.result, self.solved, self.masks, self.frames)
        return any(each is not None for each in fetched)

    @property
    def is_over(self) -> bool:
        """True if nothing more will happen to it by itself."""
        return self.state is not None and self.state.is_final

    @property
    def is_sending(self) -> bool:
        """True until the backend has accepted it."""
        return self.state is None


@dataclass(slots=True)
class Status:
    """The connection and the job."""

    link: Link = Link.OFF
    link_error: str = ""
    welcome: Welcome | None = None
    load: Load | None = None
    """How busy the backend is, as it last said."""
    methods: dict[str, MethodInfo] = field(default_factory=dict)
    cutters: dict[str, MethodInfo] = field(default_factory=dict)
    """Methods that make masks."""
    writers: dict[str, MethodInfo] = field(default_factory=dict)
    """Methods that make meshes of words."""
    sketchers: dict[str, MethodInfo] = field(default_factory=dict)
    """Methods that make pictures of words."""
    shapers: dict[str, MethodInfo] = field(default_factory=dict)
    """Methods that have learned shapes."""
    drawn: Drawn | None = None
    """The candidates of the last prompt that was looked at."""
    job: Job | None = None
    converting: str = ""
    """What is being read or written for other programs; empty: nothing."""
    read: tuple[str, str, Solved] | None = None
    """A solve that was read and waits to be added: for which scene, its title, what it is."""
    listed: dict[str, JobSummary] = field(default_factory=dict)
    """The backend's newest jobs, newest first."""
    preflight: Report | None = None
    """What the check before a run has found."""
    is_checking: bool = False
    pairing: str = ""
    """How the last pairing stands: what is being done, or why it failed."""
    is_pairing: bool = False
    problem: str = ""
    """The last thing that could not be done, in a sentence."""

    def sort(self, methods: Iterable[MethodInfo]) -> None:
        """Take the backend's methods, each to where it is offered."""
        kinds = {"mesh": self.methods, "": self.methods}  # "": a broken one
        kinds |= {"masks": self.cutters, "pictures": self.sketchers}
        for known in (self.methods, self.writers, self.cutters, self.sketchers, self.shapers):
            known.clear()
        for info in methods:
            known = kinds.get(info.produces)
            if info.produces == "mesh" and TEXT in info.needs:
                known = self.writers
            elif info.produces == "mesh" and info.needs in LEARNED:
                known = self.shapers
            if known is not None:
                known[info.name] = info

    def all_methods(self) -> list[MethodInfo]:
        """Those that are offered anywhere."""
        return [
            *self.methods.values(),
            *self.writers.values(),
            *self.cutters.values(),
            *self.sketchers.values(),
            *self.shapers.values(),
        ]

    def titled(self, name: str) -> str:
        """As a method is called in panels."""
        found = next((info for info in self.all_methods() if info.name == name), None)
        return found.title if found is not None else name.replace("-", " ").title()


current = Status()
