# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method is given: undistorted images, masks, cameras and a region, ready to compute with.

It must not know methods, jobs or the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedView:
    """One view, decoded: a pinhole (distortion is undone on loading)."""

    name: str
    camera: Camera
    image: NDArray[Any]
    """(H, W, 3) uint8, sRGB as in the file, straight colour: a quarter of the memory of floats."""
    mask: NDArray[Any] | None
    """(H, W) float32 in [0, 1], 1 on the object; None: unknown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurePoints:
    """Places on surfaces that several views recognised."""

    positions: NDArray[Any]
    """(points, 3), metres."""
    confidence: NDArray[Any]
    """(points,) in [0, 1]."""
    seen: NDArray[Any]
    """(n, 2) int64: a point, and a view that saw it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """The views of a scene and the region to reconstruct."""

    views: tuple[LoadedView, ...]
    region: Region
    points: SurePoints | None = None
    """None where nobody looked for any."""

    @property
    def has_masks(self) -> bool:
        """True if every view has one."""
        return all(view.mask is not None for view in self.views)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFile:
    """A photograph without a camera, or a video."""

    name: str
    """For people."""
    path: Path
    mask: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoInputs:
    """What a method is given that finds the cameras itself."""

    photos: tuple[PhotoFile, ...]
    workspace: Path
    """A folder of its own, which outlasts a pause or a crash and goes when the job has ended."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextInputs:
    """What a method is given that needs `text`."""

    prompt: str
    negative: str
    region: Region
    """Where the thing is to stand: it fills the ball that the region's cube holds."""
    image: NDArray[Any] | None = None
    """(H, W, 4) uint8, sRGB with straight alpha: a picture beside the prompt."""
    start: TriangleMesh | None = None
    """A mesh to begin from, in the region's frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshFile:
    """A mesh to learn from."""

    family: str
    """What it is, for people."""
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedInputs:
    """What a method is given that has learned shapes; what its needs do not name is None."""

    region: Region
    """Where a thing of a photograph or a seed is to stand: it fills the region's cube. What is made
    of points or of a volume stays where they are."""
    images: tuple[NDArray[Any], ...] = ()
    """Each (H, W, 4) uint8, sRGB with straight alpha: photographs of one thing."""
    volume: Path | None = None
    """A file, or a folder of slices."""
    points: PointCloud | None = None
    """Of a surface, the region's frame."""
    meshes: tuple[MeshFile, ...] = ()
    workspace: Path | None = None
    """For who learns: a folder of its own, which outlasts a pause or a crash."""
