# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the finished mesh, in Blender, from the photographs' own cameras.

They are taken in a scene of their own, which is gone afterwards. It must not know how the mesh was
made.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler

from demo.story import Side

SAMPLES = {"coloured": 4, "clay": 8}
LONGEST = 512
"""Pixels of a picture's longer side."""
LEVEL = (0.3, 0.8)
"""Cameras between these quantiles of height are level enough to show a side."""
CLAY = (0.6, 0.5, 0.42, 1.0)
KEY = Euler((-0.8, -0.7, 0.0))
"""Turns the clay's lamp away from the camera: to the left and up."""


def sides(cameras: Sequence[bpy.types.Object], count: int) -> list[bpy.types.Object]:
    """Some cameras that see the thing from sides as different as can be, none steeply."""
    poses = np.array([camera.matrix_world.normalized() for camera in cameras])
    up, ways = poses[:, :3, 1].mean(axis=0), poses[:, :3, 2]  # a way leads to the camera
    up /= np.linalg.norm(up)
    heights = ways @ up
    low, high = np.quantile(heights, LEVEL)
    level = np.flatnonzero((heights >= low) & (heights <= high))
    flat = ways[level] - heights[level, None] * up
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    chosen = [0]
    while len(chosen) < min(count, len(level)):
        chosen.append(int((flat @ flat[chosen].T).max(axis=1).argmin()))
    return [cameras[level[i]] for i in chosen]


def photograph_of(camera: bpy.types.Object) -> Path:
    """The file behind a camera."""
    return Path(bpy.path.abspath(camera.data.background_images[0].image.filepath))


def take(mesh: bpy.types.Object, cameras: Sequence[bpy.types.Object], folder: Path) -> list[Side]:
    """From each camera: the mesh with its colours as they are, and in clay."""
    scene = _scene(mesh)
    lamp = _lamp(scene)
    looks = {"coloured": _shadeless(mesh), "clay": _clay()}
    taken = []
    for camera in cameras:
        source = photograph_of(camera)
        files = {name: f"{name}-{camera.name}.png" for name in looks}
        shutil.copy(source, folder / f"photograph-{camera.name}{source.suffix}")
        lamp.matrix_world = camera.matrix_world @ KEY.to_matrix().to_4x4()
        _aim(scene, camera)
        for name, material in looks.items():
            scene.view_layers[0].material_override = material
            scene.cycles.samples = SAMPLES[name]
            scene.render.filepath = str(folder / files[name])
            bpy.ops.render.render(write_still=True, scene=scene.name)
        photograph = f"photograph-{camera.name}{source.suffix}"
        taken.append(Side(camera=camera.name, photograph=photograph, **files))
    _remove(scene, lamp, looks.values())
    return taken


def _scene(mesh: bpy.types.Object) -> bpy.types.Scene:
    scene = bpy.data.scenes.new("Look")
    scene.collection.objects.link(mesh)
    scene.render.engine = "CYCLES"
    scene.cycles.denoising_prefilter, scene.cycles.denoising_quality = "NONE", "FAST"
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Look")
    scene.world.color = (0.22, 0.24, 0.27)
    return scene


def _lamp(scene: bpy.types.Scene) -> bpy.types.Object:
    data = bpy.data.lights.new("Look", "SUN")
    data.energy, data.angle = 3.2, 0.4
    lamp = bpy.data.objects.new("Look", data)
    scene.collection.objects.link(lamp)
    return lamp


def _aim(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    if camera.name not in scene.collection.objects:
        scene.collection.objects.link(camera)
    scene.camera = camera
    width, height = camera.data.background_images[0].image.size
    share = LONGEST / max(width, height)
    scene.render.resolution_x, scene.render.resolution_y = (
        round(width * share),
        round(height * share),
    )
    scene.render.resolution_percentage = 100


def _shadeless(mesh: bpy.types.Object) -> bpy.types.Material:
    """The colours as they were fitted: they hold the light of the photographs already."""
    material, nodes, out = _bare("Look Colours")
    colours = nodes.new("ShaderNodeVertexColor")
    colours.layer_name = mesh.data.color_attributes.active_color.name
    light = nodes.new("ShaderNodeEmission")
    material.node_tree.links.new(colours.outputs["Color"], light.inputs["Color"])
    material.node_tree.links.new(light.outputs[0], out.inputs["Surface"])
    return material


def _clay() -> bpy.types.Material:
    material, nodes, out = _bare("Look Clay")
    surface = nodes.new("ShaderNodeBsdfDiffuse")
    surface.inputs["Color"].default_value = CLAY
    material.node_tree.links.new(surface.outputs[0], out.inputs["Surface"])
    return material


def _bare(name: str) -> tuple[bpy.types.Material, bpy.types.Nodes, bpy.types.Node]:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    return material, nodes, nodes.new("ShaderNodeOutputMaterial")


def _remove(
    scene: bpy.types.Scene, lamp: bpy.types.Object, materials: Sequence[bpy.types.Material]
) -> None:
    world = scene.world
    bpy.data.scenes.remove(scene)
    bpy.data.worlds.remove(world)
    bpy.data.lights.remove(lamp.data)
    for material in materials:
        bpy.data.materials.remove(material)
