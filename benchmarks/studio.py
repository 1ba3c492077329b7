# SPDX-License-Identifier: GPL-3.0-or-later
"""A photographer's studio in headless Blender: soft light, cameras around an object, pictures.

Runs inside a bpy module. Poses are written as `transforms.json` (NeRF: camera-to-world in OpenGL
axes, which are Blender's own, so a camera's matrix is written as it stands) with our `region`.
It must not know what stands in the studio.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

REGION_MARGIN = 1.1
"""How much larger than the object the region is, each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shoot:
    """How the pictures are taken."""

    size: int = 400
    """Pixels along both edges."""
    samples: int = 10
    """Cycles samples a pixel, denoised."""
    lens: float = 50.0
    """Millimetres on a 36 mm sensor."""
    fill: float = 0.86
    """Share of the frame's edge that the object takes."""


def empty_studio(shoot: Shoot) -> bpy.types.Scene:
    """Start a new file: Cycles on the CPU, plain sRGB out, transparent film."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = shoot.samples
    scene.cycles.use_denoising = True
    # Less than half of the default's time; side by side no difference can be seen.
    scene.cycles.denoising_prefilter, scene.cycles.denoising_quality = "NONE", "FAST"
    scene.cycles.max_bounces = 3
    scene.cycles.diffuse_bounces = 2
    scene.render.resolution_x = scene.render.resolution_y = shoot.size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.use_persistent_data = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Studio")
    return scene


def soft_light(radius: float, ambient: float = 0.45) -> None:
    """Two large area lights above and a faint one below, beside an even sky."""
    _node_of(bpy.context.scene.world, "ShaderNodeBackground").inputs[
        "Strength"
    ].default_value = ambient
    _node_of(bpy.context.scene.world, "ShaderNodeBackground").inputs["Color"].default_value = (
        0.95,
        0.97,
        1.0,
        1.0,
    )
    for name, place, share in (
        ("Key", (2.2, -2.0, 2.8), 1.0),
        ("Fill", (-2.8, 1.2, 1.6), 0.45),
        ("Under", (0.3, -0.6, -3.0), 0.25),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.size = 2.5 * radius
        data.energy = 125.0 * share * radius**2
        lamp = bpy.data.objects.new(name, data)
        lamp.matrix_world = _aimed(Vector(place) * radius, Vector((0, 0, 0)))
        bpy.context.scene.collection.objects.link(lamp)


def directions(
    count: int, rng: np.random.Generator, elevation: tuple[float, float] = (-40.0, 78.0)
) -> NDArray[np.float64]:
    """Unit vectors (count, 3), evenly spread between two elevations (degrees) and jittered."""
    low, high = np.sin(np.radians(elevation))
    index = np.arange(count) + rng.uniform(0.2, 0.8, count)
    height = low + (high - low) * index / count
    turn = index * np.pi * (3.0 - np.sqrt(5.0))  # the golden angle
    flat = np.sqrt(1.0 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=-1)


def add_cameras(
    prefix: str,
    towards: NDArray[np.float64],
    points: NDArray[np.float64],
    shoot: Shoot,
    rng: np.random.Generator,
) -> list[bpy.types.Object]:
    """Stand a camera in each direction, so far off that `points` (N, 3) fill their share."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    cameras = []
    for index, direction in enumerate(towards):
        data = bpy.data.cameras.new(f"{prefix}_{index:03d}")
        data.lens = shoot.lens
        camera = bpy.data.objects.new(data.name, data)
        bpy.context.scene.collection.objects.link(camera)
        distance = _distance(points - centre, direction, shoot) * rng.uniform(0.96, 1.06)
        aim = centre + rng.normal(0.0, 0.008 * distance, 3)
        camera.matrix_world = _aimed(
            Vector(centre + distance * direction), Vector(aim), roll=rng.normal(0.0, 0.05)
        )
        cameras.append(camera)
    bpy.context.view_layer.update()
    return cameras


def render(cameras: Sequence[bpy.types.Object], folder: Path) -> None:
    """Take one picture a camera, named after it."""
    scene = bpy.context.scene
    for camera in cameras:
        scene.camera = camera
        scene.render.filepath = str(folder / f"{camera.name}.png")
        bpy.ops.render.render(write_still=True)


def write_transforms(
    path: Path,
    cameras: Sequence[bpy.types.Object],
    images: str,
    region: NDArray[np.float64],
    shoot: Shoot,
) -> None:
    """Write the poses of `cameras`, whose pictures lie in the sub-folder `images`."""
    focal = shoot.lens / cameras[0].data.sensor_width * shoot.size
    document = {
        "camera_model": "PINHOLE",
        "fl_x": focal,
        "fl_y": focal,
        "cx": shoot.size / 2,
        "cy": shoot.size / 2,
        "w": shoot.size,
        "h": shoot.size,
        "region": {"shape": "box", "world_from_region": region.tolist()},
        "frames": [
            {
                "file_path": f"{images}/{camera.name}.png",
                "transform_matrix": [list(row) for row in camera.matrix_world],
            }
            for camera in cameras
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def region_around(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (4, 4) that places the cube [-1, 1]³ around `points`, a little larger."""
    low, high = points.min(axis=0), points.max(axis=0)
    matrix = np.diag([*((high - low) / 2 * REGION_MARGIN), 1.0])
    matrix[:3, 3] = (low + high) / 2
    return matrix


def points_of(thing: bpy.types.Object) -> NDArray[np.float64]:
    """World positions (V, 3) of a mesh object's vertices."""
    positions = np.empty(3 * len(thing.data.vertices))
    thing.data.vertices.foreach_get("co", positions)
    matrix = np.array(thing.matrix_world)
    return positions.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def write_truth(path: Path, thing: bpy.types.Object) -> None:
    """Write a mesh object's triangles, world axes, as PLY."""
    bpy.ops.object.select_all(action="DESELECT")
    thing.select_set(True)
    bpy.ops.wm.ply_export(
        filepath=str(path),
        export_selected_objects=True,
        export_triangulated_mesh=True,
        export_uv=False,
        export_normals=False,
        export_colors="NONE",
        forward_axis="Y",
        up_axis="Z",
    )


def _distance(points: NDArray[np.float64], direction: NDArray[np.float64], shoot: Shoot) -> float:
    """How far off a camera must stand for `points` to take their share of the frame."""
    tangent = shoot.fill * 18.0 / shoot.lens  # half of the 36 mm sensor
    axes = np.array(_aimed(Vector(direction), Vector((0, 0, 0))))[:3, :3]
    local = points @ axes
    # |x| <= tangent * (distance - z) for the point that reaches farthest out
    return float((np.abs(local[:, :2]).max(axis=1) / tangent + local[:, 2]).max())


def _aimed(place: Vector, target: Vector, roll: float = 0.0) -> Matrix:
    """The matrix at `place` with its -Z towards `target`, Y up, rolled by some radians."""
    turn = (target - place).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(place) @ turn @ Matrix.Rotation(roll, 4, "Z")


def _node_of(world: bpy.types.World, kind: str) -> bpy.types.Node:
    world.use_nodes = True
    return next(node for node in world.node_tree.nodes if node.bl_idname == kind)
