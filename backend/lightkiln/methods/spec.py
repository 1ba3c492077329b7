# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method says of itself, and what a run offers it. Cheap: no torch, no numba.

A method is three things: a frozen dataclass of parameters, a `MethodSpec`, and a function
`reconstruct(inputs, params, run) -> TriangleMesh` that is imported when a job starts, not before.
Its inputs are `Inputs`; `TextInputs` if it needs `text`.
It must not know jobs' folders, processes or the wire: `lightkiln.jobs.worker` makes the `Run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.params import Scalar
from numpy.typing import NDArray

from lightkiln.ops.picture import RenderedImage

CheckpointState = Mapping[str, NDArray[Any]]

REFINE_CAMERAS = "refine_cameras"
"""A method with a parameter of this name gets inputs that were looked through: views whose masks
cannot be right are left out, and, if it is true, cameras that do not fit the photographs are
adjusted."""


DEVICES = "devices"
"""A method with a parameter of this name is run by as many processes as it says, which find each
other as torchrun's do (`training.processes`) and see all of the job's devices."""

PRIOR = "prior"
"""A method with a parameter of this name draws from the prior that it names: `embedded`, a folder
or a model's id."""


class Need(StrEnum):
    """What a method wants to be given."""

    POSED_VIEWS = "posed_views"
    UNPOSED_PHOTOS = "unposed_photos"
    ONE_IMAGE = "one_image"
    FEW_IMAGES = "few_images"
    """One photograph of a thing or more, in any order and without cameras."""
    TEXT = "text"
    VOLUME = "volume"
    POINTS = "points"
    MESH = "mesh"
    MESHES = "meshes"
    """Several, to learn from; a name `family/name.ply` says what a mesh is."""


class Product(StrEnum):
    """What a method makes."""

    MESH = "mesh"
    FIELD = "field"
    VOXELS = "voxels"
    SCENE = "scene"
    """Cameras and a region: `entry(photos, params, run) -> Solved`, of `PhotoInputs`."""
    MASKS = "masks"
    """`entry(inputs, params, run)` -> for each view a bool array of its image's size."""
    PICTURES = "pictures"
    """`entry(inputs, params, run)` -> one after the other a seed, and what it would begin as: a
    picture (H, W, 3) uint8 sRGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSpec:
    """A method's description: listing it must cost nothing."""

    name: str
    """What is typed: lower case, digits and hyphens."""
    title: str
    summary: str
    params: type
    """A frozen dataclass whose fields are declared with `param(...)`."""
    entry: str
    """`package.module:function`, imported when a job starts."""
    needs: tuple[Need, ...] = (Need.POSED_VIEWS,)
    wants_masks: bool = False
    """True: without masks the method cannot work."""
    produces: Product = Product.MESH
    renders_frames: bool = False
    """True: it learns how the scene looks, and offers `run.frames`."""
    devices: tuple[str, ...] = ("cpu", "cuda")
    memory_mb: int = 1000
    """Main memory a usual job takes, megabytes."""
    memory_of: Callable[[Any], float] | None = None
    """The same for given parameters, the photographs left aside; a run that will not fit is then
    refused at once. None: nobody has measured it."""
    halvings: tuple[tuple[str, ...], ...] = ()
    """What to do without when memory is full: each time the whole numbers of the next entry are
    halved, and the run begins anew from its last saved state, which the method must make use of or
    leave aside. After the last entry the job fails."""
    libraries: tuple[str, ...] = ()
    """Modules beside Lightkiln's own; without them the method is listed and cannot be chosen."""
    presets: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    """Values over the defaults: `draft`, `standard`, `high`; a missing one means the defaults."""


class Run(Protocol):
    """What a running method may ask of its surroundings. All of it may be ignored but `steps`."""

    seed: int
    device: str
    """`cpu` or `cuda`."""

    def phase(self, name: str, share: float) -> AbstractContextManager[None]:
        """Name a part of the work; `share` is its part of the whole time, in [0, 1].

        The shares of a method's phases add up to 1; time left is reckoned from them.
        """

    def steps(self, count: int) -> Iterator[int]:
        """Yield 0 ... count - 1 within the current phase; the whole life-cycle hangs on it.

        Between two steps it reports progress, serves previews and checkpoints when they are due,
        and pauses. A cancel raises `JobCancelled`; "finish now" and the time limit end the loop
        early, so a method must have a usable state after every step.
        """

    def record(self, **metrics: float) -> None:
        """Report figures of the current step (`loss`, `psnr`, ...); they become the curves."""

    def warn(self, text: str) -> None:
        """Tell the person something that does not stop the run; one sentence."""

    def note(self, text: str) -> None:
        """Put a sentence into the report that nobody has to read while it runs."""

    def preview(self, render: Callable[[Camera], RenderedImage | None]) -> None:
        """Offer pictures: called between steps, only while somebody looks, with their camera.

        The camera asks for a picture of about its size; a method may render fewer pixels.
        """

    def frames(self, render: Callable[[Camera], RenderedImage]) -> None:
        """Offer pictures as a result: called after the method, once for each camera of the scene's
        path, for pictures of exactly its size. For methods that learn how a scene looks.
        """

    def preview_mesh(self, make: Callable[[], TriangleMesh | None]) -> None:
        """Offer a coarse mesh (at most some 50,000 triangles): called now and then."""

    def checkpoint(self, save: Callable[[], CheckpointState]) -> None:
        """Offer a state to save: called every minute or so and before a pause."""

    def resume(self) -> CheckpointState | None:
        """The state saved last, after a crash or a pause; None at a first start."""

    @property
    def finishing(self) -> bool:
        """True once "finish now" was asked or the time limit has come: skip to the mesh."""

    def seconds_left(self) -> float:
        """Seconds to the time limit; infinity without one."""


def hear(run: Run) -> None:
    """A step of its own between two parts that take a second: a cancel is heard there."""
    for _ in run.steps(1):
        continue


def rng(run: Run) -> np.random.Generator:
    """A random generator seeded by the run."""
    return np.random.default_rng(run.seed)
