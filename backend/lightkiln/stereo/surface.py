# SPDX-License-Identifier: GPL-3.0-or-later
"""From a signed distance to the mesh that a person gets: extracted, cleaned, reduced, coloured.

It must not know where the signed distance comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract
from lightkiln.mesh.simplify import simplify
from lightkiln.ops.bricks import BrickGrid
from lightkiln.ops.triangles import vertex_normals

from .vertex_colors import colored


def finished(grid: BrickGrid, views: Sequence[LoadedView], max_faces: int) -> TriangleMesh:
    """The mesh of channel 0's zero level, with colours; raises `NothingReconstructed`."""
    return colored(bare(grid, max_faces), views)


def bare(grid: BrickGrid, max_faces: int) -> TriangleMesh:
    """The same without colours: without specks, smooth normals, at most `max_faces` triangles."""
    mesh = without_specks(extract(grid))
    if len(mesh.triangles) == 0:
        raise NothingReconstructed(
            "No surface was found in the region.",
            hint="Check that the region holds the object and that several cameras see it.",
        )
    mesh = simplify(mesh, max_faces)
    return replace(mesh, normals=vertex_normals(mesh.positions, mesh.triangles))
