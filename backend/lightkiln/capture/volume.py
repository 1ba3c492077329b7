# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan: values on a lattice, and where that lattice lies in a patient.

World axes are RAS+ in millimetres: x to the patient's right, y to the front, z to the head.
It must not know files.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.errors import InvalidScene, UserError
from numpy.typing import NDArray

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Between the axes of DICOM (left, posterior, superior) and RAS+; its own inverse."""

DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What readers raise of a damaged file, beside errors of their own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """Values of voxels; index (0, 0, 0) is the middle of the first."""

    values: NDArray[Any]
    """(X, Y, Z) float32; Hounsfield units for CT, else what the file holds."""
    world_from_index: NDArray[Any]
    """(4, 4) float64, mm, RAS+."""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm from voxel to voxel along each index."""
        x, y, z = np.linalg.norm(self.world_from_index[:3, :3], axis=0)
        return float(x), float(y), float(z)


def canonical(volume: Volume) -> Volume:
    """The same voxels with indices that run about to the right, the front and the head.

    Axes are exchanged and turned round, nothing is resampled: slices across the last index are then
    those that lie flattest in the patient.
    """
    linear = volume.world_from_index[:3, :3] / np.asarray(volume.spacing)
    axes = _nearest_axes(linear)
    values, pose = volume.values.transpose(axes), volume.world_from_index[:, [*axes, 3]].copy()
    for axis in range(3):
        if pose[axis, axis] < 0.0:
            pose[:3, 3] += (values.shape[axis] - 1) * pose[:3, axis]
            pose[:3, axis] *= -1.0
            values = np.flip(values, axis)
    return Volume(values=np.ascontiguousarray(values), world_from_index=pose)


def _nearest_axes(linear: Float[NDArray[Any], "3 3"]) -> tuple[int, ...]:
    """For each world axis the index that runs most along it; the clearest choice goes first."""
    left, chosen = abs(linear), {}
    for _ in range(3):
        world, index = np.unravel_index(int(left.argmax()), left.shape)
        chosen[int(world)] = int(index)
        left[world, :] = left[:, index] = -1.0
    return tuple(chosen[axis] for axis in range(3))


def checked(volume: Volume, name: str) -> Volume:
    """The same; raises `InvalidScene` where it is no body of voxels somewhere in space."""
    thin = min(volume.values.shape)
    if thin < 2:
        raise InvalidScene(
            f"{name} has one slice only.", hint="Give all slices of the scan: at least two."
        )
    pose = volume.world_from_index
    if not np.isfinite(pose).all() or abs(np.linalg.det(pose[:3, :3])) < 1e-9:
        raise InvalidScene(
            f"{name} does not say how its samples lie in space.",
            hint="Export it again with its spacing and orientation.",
        )
    values = np.nan_to_num(volume.values, nan=float(np.nanmin(volume.values, initial=0.0)))
    return Volume(values=values.astype(np.float32), world_from_index=pose)


def library(name: str) -> Any:
    """A reader's library, imported when it is first wanted; raises `UserError` without it."""
    try:
        return import_module(name)
    except ImportError:
        raise UserError(
            f"This backend cannot read such a volume: {name} is missing.",
            hint="Install it there: pip install 'lightkiln[volumes]'.",
        ) from None
