# SPDX-License-Identifier: GPL-3.0-or-later
"""From the cube in which things are learned to where a person wants them.

It must not know networks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region

from lightkiln.ops.triangles import vertex_normals


def placed(mesh: TriangleMesh, region: Region) -> TriangleMesh:
    """A mesh of the cube [-1, 1]³ in the region's; normals anew, for a region may stretch."""
    matrix = np.asarray(region.world_from_region, np.float64)
    positions = (mesh.positions @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    triangles = mesh.triangles
    if np.linalg.det(matrix[:3, :3]) < 0.0:  # mirrored: else it would be inside out
        triangles = triangles[:, ::-1].copy()
    normals = vertex_normals(positions, triangles).astype(np.float32)
    return replace(mesh, positions=positions, triangles=triangles, normals=normals)
