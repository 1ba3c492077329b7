# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up object in the layout of DTU's evaluation data, small and known exactly.

It is a slab's upper face at z = 0 of its own corner: points 0.1 mm apart over 40 x 20 mm. The
corner, the grid's box and the axes' lengths all differ, so that nothing can be mistaken for
something else. It must not know the code under test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

SCAN = 7
CORNER = np.array([130.0, -50.0, 610.0])
SIZE = (40.0, 20.0)
GAP = 0.1
BOX = np.array([[-10.0, -15.0, -20.0], [60.0, 30.0, 40.0]]) + CORNER
RESOLUTION = 0.5
OBSERVED_BELOW = 15.0
"""Space is observed up to this height above the slab, and from x = -5 on."""
FLOOR = -3.0
"""The table's height below the slab."""


def write(folder: Path, extra: NDArray[Any] | None = None) -> Path:
    """The three files; `extra` are more points (N, 3) of the scanner, from the corner."""
    points = slab() if extra is None else np.concatenate([slab(), extra])
    write_stl(folder / "Points" / "stl" / f"stl{SCAN:03}_total.ply", points + CORNER)
    (folder / "ObsMask").mkdir()
    shape = np.rint((BOX[1] - BOX[0]) / RESOLUTION).astype(int) + 1
    x, _, z = (BOX[0, i] - CORNER[i] + RESOLUTION * np.arange(shape[i]) for i in range(3))
    observed = np.zeros(shape, dtype=np.uint8)
    observed[np.ix_(x >= -5.0, np.arange(shape[1]), z < OBSERVED_BELOW)] = 1
    space = {"ObsMask": observed, "BB": BOX, "Res": RESOLUTION, "Margin": 10}
    savemat(folder / "ObsMask" / f"ObsMask{SCAN}_10.mat", space)
    table = np.array([[0.0], [0.0], [2.0], [-2.0 * (CORNER[2] + FLOOR)]])
    savemat(folder / "ObsMask" / f"Plane{SCAN}.mat", {"P": table})
    return folder


def slab() -> NDArray[np.float64]:
    """Points from the corner, in the middles of squares."""
    x, y = (np.arange(GAP / 2.0, size, GAP) for size in SIZE)
    return np.stack([*(a.ravel() for a in np.meshgrid(x, y)), np.zeros(len(x) * len(y))], axis=-1)


def write_stl(path: Path, points: NDArray[Any]) -> None:
    """A binary PLY of points with normals and colours, as the scanner's are."""
    path.parent.mkdir(parents=True)
    names = ("x", "y", "z", "nx", "ny", "nz")
    colors = ("red", "green", "blue")
    rows = np.zeros(len(points), [*((n, "<f4") for n in names), *((n, "u1") for n in colors)])
    for axis, name in enumerate(names[:3]):
        rows[name] = points[:, axis]
    lines = [
        *("ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"),
        *(f"property float {name}" for name in names),
        *(f"property uchar {name}" for name in colors),
        "end_header\n",
    ]
    path.write_bytes("\n".join(lines).encode() + rows.tobytes())
