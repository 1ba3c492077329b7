# SPDX-License-Identifier: GPL-3.0-or-later
"""What structure from motion is given and what comes of it.

It must not know how it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from lightkiln_shared.camera import Camera
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.capture.inputs import PhotoFile


class Watch(Protocol):
    """Whom the work is reported to; a method's `Run` is one."""

    seed: int

    def phase(self, name: str, share: float) -> AbstractContextManager[None]: ...
    def steps(self, count: int) -> Iterator[int]: ...
    def record(self, **metrics: float) -> None: ...
    def warn(self, text: str) -> None: ...


class Reason(StrEnum):
    """Why a photograph could not be placed."""

    UNREADABLE = "unreadable"
    DUPLICATE = "duplicate"
    TOO_FEW_FEATURES = "too_few_features"
    BLURRED = "blurred"
    NO_MATCHES = "no_matches"
    OTHER_GROUP = "other_group"
    NOT_REGISTERED = "not_registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A photograph that has no camera, and why."""

    photo: PhotoFile
    reason: Reason
    text: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A photograph and its camera."""

    photo: PhotoFile
    camera: Camera
    num_points: int
    """Points of the sparse cloud that it sees."""
    error: float
    """Mean reprojection error of those, pixels of the photograph."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparsePoints:
    """The points that were triangulated, world axes."""

    positions: NDArray[Any]
    """(N, 3) float32, metres."""
    colors: NDArray[Any]
    """(N, 3) uint8, sRGB."""
    errors: NDArray[Any]
    """(N,) float32, mean reprojection error, pixels of the images that were matched."""
    track_lengths: NDArray[Any]
    """(N,) int32, how many photographs see it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """A scene solved from photographs: Z up, the region's centre at the origin, and the median
    camera 1 m from it."""

    placed: tuple[Placed, ...]
    unplaced: tuple[Unplaced, ...]
    points: SparsePoints
    region: Region
    error: float
    """Mean reprojection error, pixels of the images that were matched."""
    reconstruction: Any
    """The same as `pycolmap.Reconstruction`, in our world, named after the photographs."""
