# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh that was made of a prompt is worth, beside the prompt's true scene.

    IoU           of the solids, on a lattice over the cube about the unit ball
    colour        each named thing's mean colour on the mesh, beside its own
    named         what the judge of `recognition` says of four renderings
    second faces  sides that look more like the front than like themselves, though they should not
    sanity        closed, parts, triangles

It must not know how meshes are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from lightkiln.mesh.rasterize import shade
from lightkiln.ops.colors import srgb_from_linear
from lightkiln.priors.embedded.manifest import DISTANCE, FOV, SIZE, STYLES
from lightkiln.priors.embedded.paint import RGB
from lightkiln.priors.embedded.renders import camera_axes, render
from lightkiln.priors.embedded.scenery import arranged, distance
from lightkiln.priors.embedded.sentence import Sentence
from lightkiln.training.mesh_start import grid_from
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from benchmarks.recognition import AZIMUTHS, ELEVATION, named

SIDE = 64
"""Points of the lattice along a side."""
AROUND = tuple(np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False))
"""Azimuths at which second faces are looked for."""
ALIKE = 0.02
"""Mean square of differences below which two true sides are one side to the eye."""
NEAR = 0.06
"""Radii of the ball within which a vertex belongs to a thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """One mesh."""

    prompt: str
    iou: float
    named: str
    """What the judge saw."""
    things_right: bool
    relation_right: bool
    color_error: float
    """Of the worst named thing, sRGB values."""
    second_faces: int
    closed: bool
    parts: int
    triangles: int


def worth(sentence: Sentence, mesh: TriangleMesh) -> Worth:
    """All figures of a mesh in the unit ball's frame."""
    said = named(np.stack([seen(mesh, azimuth) for azimuth in AZIMUTHS]), sentence)
    # As it is connected: vertices that merely lie on each other are not made one.
    whole = trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)
    return Worth(
        prompt=str(sentence),
        iou=round(iou(sentence, mesh), 3),
        named=str(said),
        things_right=said.are_things(sentence),
        relation_right=said.is_relation(sentence),
        color_error=round(_color_error(sentence, mesh), 3),
        second_faces=second_faces(sentence, mesh),
        closed=bool(whole.is_watertight),
        parts=int(whole.body_count),
        triangles=len(mesh.triangles),
    )


def iou(sentence: Sentence, mesh: TriangleMesh) -> float:
    """Of the mesh's solid and the scene that the prompt names, in [0, 1]."""
    grid = grid_from(mesh, SIDE)
    axis = np.linspace(-1.0, 1.0, SIDE)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    made = grid.distance.detach().numpy().reshape(-1) < 0.0
    true = distance(arranged(sentence), x) < 0.0
    return float((made & true).sum() / (made | true).sum())


def second_faces(sentence: Sentence, mesh: TriangleMesh) -> int:
    """How many sides look more like the front than like what should be there."""
    scenery = arranged(sentence)
    true = [render(scenery, azimuth, ELEVATION, STYLES[0]) / 255.0 for azimuth in AROUND]
    made = [seen(mesh, azimuth) for azimuth in AROUND]
    return sum(
        _apart(true[0], own) > ALIKE and _apart(side, true[0]) < _apart(side, own)
        for side, own in zip(made[1:], true[1:], strict=True)
    )


def seen(mesh: TriangleMesh, azimuth: float) -> NDArray[Any]:
    """A rendering (size, size, 4): the vertices' colours, RGB times alpha and alpha in [0, 1]."""
    picture = shade(mesh, camera_at(azimuth, ELEVATION)) / 255.0
    return np.concatenate([picture[..., :3] * picture[..., 3:], picture[..., 3:]], axis=-1)


def camera_at(azimuth: float, elevation: float) -> Camera:
    """As `priors.embedded.renders` has it."""
    right, up, back = camera_axes(azimuth, elevation)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = np.stack([right, -up, -back], axis=1), DISTANCE * back
    focal = 0.5 * SIZE / np.tan(0.5 * FOV)
    return Camera(
        world_from_camera=pose,
        focal=(focal, focal),
        principal_point=(0.5 * SIZE, 0.5 * SIZE),
        width=SIZE,
        height=SIZE,
    )


def _apart(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(((a - b) ** 2).mean())


def _color_error(sentence: Sentence, mesh: TriangleMesh) -> float:
    """The largest difference of a plain thing's mean colour; 1 where none of it is there."""
    assert mesh.colors is not None
    colors, worst = srgb_from_linear(mesh.colors), 0.0
    for placed in arranged(sentence):
        if placed.thing.material in ("striped", "checkered", "dotted"):
            continue  # two colours: their mean says little
        own = [part.body for part in placed.shape.parts if not part.color]
        x = placed.own(mesh.positions.astype(np.float64))
        size = np.min([np.abs(body(x)) for body in own], axis=0) * placed.stretch.min()
        near = size < NEAR
        mean = colors[near].mean(axis=0) if near.any() else np.full(3, 2.0)
        worst = max(worst, float(np.abs(mean - RGB[placed.thing.color]).max()))
    return min(worst, 1.0)
