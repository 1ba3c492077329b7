# SPDX-License-Identifier: GPL-3.0-or-later
"""What kiln shows: pictures of the field, a coarse mesh, and the mesh at the end.

It must not know how the field learns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.band import to_grid
from lightkiln.fields.render import color_at, projected, render
from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract
from lightkiln.mesh.simplify import simplify
from lightkiln.ops.colors import linear_from_srgb
from lightkiln.ops.picture import RenderedImage, preview_camera
from lightkiln.ops.triangles import vertex_normals
from lightkiln.stereo.surface import bare
from lightkiln.stereo.vertex_colors import colored

from .course import Course

COARSE_FACES = 50_000


def rendered(course: Course, camera: Camera) -> RenderedImage:
    """The field as the camera sees it, in fewer pixels if it asks for many."""
    small = preview_camera(camera)
    return RenderedImage(pixels=render(course.band, small, course.sharpness), camera=small)


def coarse_mesh(course: Course) -> TriangleMesh | None:
    """The surface so far, in the field's own colours; None if there is none."""
    mesh = without_specks(extract(to_grid(course.band)))
    if len(mesh.triangles) == 0:
        return None
    mesh = simplify(mesh, COARSE_FACES)
    normals = vertex_normals(mesh.positions, mesh.triangles)
    colors = linear_from_srgb(color_at(course.band, mesh.positions, -normals))
    return replace(mesh, normals=normals, colors=colors.astype(np.float32))


def finished(course: Course, inputs: Inputs, faces: int) -> TriangleMesh:
    """The mesh that a person gets; raises `NothingReconstructed`."""
    mesh = bare(to_grid(course.band), faces)
    positions = projected(course.band, mesh.positions)
    normals = vertex_normals(positions, mesh.triangles)
    return colored(replace(mesh, positions=positions, normals=normals), inputs.views)
