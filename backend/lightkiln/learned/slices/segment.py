# SPDX-License-Identifier: GPL-3.0-or-later
"""What each voxel of a volume is, slice by slice, and the surface of one class.

A surface is metres, Z up: x to the right, y to the front, z to the head, a thousandth of the
volume's own millimetres. It runs where the class' smoothed probability is a threshold, not along
voxels. It must not know runs or training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from lightkiln.capture.volume import Volume
from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned import weights
from lightkiln.mesh.clean import without_degenerate, without_specks
from lightkiln.mesh.extract import extract_dense

from .network import CLASSES, UNet, windowed

METHOD = "unet-slices"
BUILT_IN = Path(__file__).with_name("weights.safetensors")
SPACING = 2.0
"""mm in the plane, about which it was taught."""
NEAR = 1.5
"""Finer or coarser than that by more than this factor, slices are resampled."""
METRES = 0.001
TOGETHER = 4
"""Slices a step."""

Steps = Callable[[int], Iterable[int]]


def network_of(path: str, device: torch.device) -> UNet:
    """The network of a file of weights, "" the built-in ones; raises `InvalidWeights`."""
    return weights.opened(UNet, METHOD, path, BUILT_IN, device)[0]


def probabilities(
    network: nn.Module, volume: Volume, steps: Steps = range
) -> Float[NDArray[Any], "3 X Y Z"]:
    """Of each class at each voxel; axes as the volume's, which should be about RAS+.

    `steps` is asked for the numbers of the steps, which may end early: the rest is then looked at
    without asking, for half a scan would be no answer and the whole takes seconds.
    """
    values = torch.from_numpy(volume.values).movedim(-1, 0)  # (Z, X, Y)
    count, size = len(values), resampled_size(volume)
    found = np.zeros((CLASSES, *volume.values.shape), dtype=np.float32)
    found[0] = 1.0

    def look(step: int) -> int:
        chosen = slice(step * TOGETHER, (step + 1) * TOGETHER)
        shares = _looked_at(network, _with_neighbours(values, chosen), size)
        found[..., chosen] = shares.movedim(0, -1).cpu().numpy()
        return step + 1

    total, done = math.ceil(count / TOGETHER), 0
    for step in steps(total):
        done = look(step)
    for step in range(done, total):
        look(step)
    return found


def resampled_size(volume: Volume) -> tuple[int, int]:
    """Pixels of a slice as the network looks at it: its own, unless they are too fine or coarse."""
    across, deep = (
        n if 1.0 / NEAR <= step / SPACING <= NEAR else max(1, round(n * step / SPACING))
        for n, step in zip(volume.values.shape[:2], volume.spacing[:2], strict=True)
    )
    return across, deep


def _with_neighbours(values: Float[Tensor, "z x y"], chosen: slice) -> Float[Tensor, "n 3 x y"]:
    """Slices between their neighbours; the first and last are their own."""
    numbers = torch.arange(len(values))[chosen]
    around = torch.stack([numbers - 1, numbers, numbers + 1], dim=1).clamp(0, len(values) - 1)
    return values[around]


def _looked_at(
    network: nn.Module, seen: Float[Tensor, "n 3 x y"], size: tuple[int, int]
) -> Float[Tensor, "n 3 x y"]:
    """Probabilities on the slices' own lattice; values are averaged where they are too fine."""
    device, own = next(network.parameters()).device, seen.shape[-2:]
    seen = seen.to(device)
    if tuple(own) != size:
        seen = functional.interpolate(seen, size, mode="bilinear", antialias=True)
    with torch.inference_mode(), short_numbers(device):
        shares: Tensor = network(windowed(seen)).float().softmax(dim=1)
    if tuple(own) != size:
        shares = functional.interpolate(shares, own, mode="bilinear")
    return shares


def labelled(found: Float[NDArray[Any], "3 X Y Z"]) -> NDArray[Any]:
    """(X, Y, Z) uint8: the likeliest class of each voxel."""
    return np.asarray(found.argmax(axis=0), dtype=np.uint8)


def surface(
    volume: Volume,
    share: Float[NDArray[Any], "X Y Z"],
    *,
    threshold: float = 0.5,
    smooth: float = 0.0,
    min_share: float = 0.001,
) -> TriangleMesh:
    """The closed surface round what is likelier than `threshold`, metres; it may be empty.

    `smooth` is the standard deviation of a Gaussian in mm; parts whose area is below `min_share` of
    the largest are left out. Where the scan ends the surface is closed along its border.
    """
    widths = smooth / np.asarray(volume.spacing)
    field = gaussian_filter(share, widths) if smooth > 0.0 else share
    outside = np.float32(2.0 * threshold)
    level = np.pad(threshold - field, 1, constant_values=outside)
    mesh = extract_dense(level, np.ones([n - 1 for n in level.shape], dtype=bool))
    if len(mesh.triangles) == 0:
        return mesh
    return without_specks(without_degenerate(_placed(mesh, volume)), min_share)


def _placed(mesh: TriangleMesh, volume: Volume) -> TriangleMesh:
    """From lattice steps to metres; normals by the inverse transpose, faces seen from outside."""
    linear = METRES * volume.world_from_index[:3, :3]
    index = mesh.positions.astype(np.float64) - 1.0  # the border that was added
    positions = index @ linear.T + METRES * volume.world_from_index[:3, 3]
    triangles = mesh.triangles
    if np.linalg.det(linear) < 0.0:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    assert mesh.normals is not None
    normals = mesh.normals.astype(np.float64) @ np.linalg.inv(linear)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=triangles,
        normals=normals.astype(np.float32),
    )
