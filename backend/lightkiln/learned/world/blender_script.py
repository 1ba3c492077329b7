# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by Blender, or by a Python with `bpy`: renders what `blender.py` left in a folder.

    ... blender_script.py -- FOLDER

Cameras there look along +z, y down; Blender's along -z, y up. It must not import Lightkiln: that is
not where Blender is.
"""

import math
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix

SAMPLES = 8
SENSOR = 36.0
FLIP = Matrix.Diagonal((1.0, -1.0, -1.0, 1.0))


def main(folder: Path) -> None:
    """Every thing of the folder from all its cameras."""
    scene = _studio()
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        told = np.load(path)
        made = _object(told)
        scene.collection.objects.link(made)
        scene.render.resolution_x = scene.render.resolution_y = int(told["pixels"])
        for view in range(len(told["focal"])):
            _set(scene, told, view)
            scene.render.filepath = str(folder / f"{number:04}-{view:03}.png")
            bpy.ops.render.render(write_still=True)
        bpy.data.objects.remove(made)


def _studio() -> Any:
    """An empty scene with a camera, a sun and a sky, before nothing."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", SAMPLES
    scene.cycles.use_denoising = False
    scene.render.threads_mode, scene.render.threads = "FIXED", 1  # one process for each core
    scene.render.use_persistent_data = True
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.data.sensor_width = SENSOR
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.angle = 0.2
    scene.world = bpy.data.worlds.new("Sky")
    if not scene.world.node_tree:
        scene.world.use_nodes = True
    for each in (scene.camera, sun):
        scene.collection.objects.link(each)
    return scene


def _object(told: Any) -> Any:
    """The thing, with its vertices' colours for a material's."""
    mesh = bpy.data.meshes.new("Thing")
    mesh.from_pydata(told["positions"].tolist(), [], told["triangles"].tolist())
    colors = mesh.color_attributes.new("Color", "FLOAT_COLOR", "POINT")
    rgba = np.concatenate([told["colors"], np.ones((len(told["colors"]), 1))], axis=1)
    colors.data.foreach_set("color", rgba.astype(np.float32).reshape(-1))
    material = bpy.data.materials.new("Thing")
    if not material.node_tree:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = float(told["roughness"])
    attribute = nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = "Color"
    material.node_tree.links.new(attribute.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(material)
    return bpy.data.objects.new("Thing", mesh)


def _set(scene: Any, told: Any, view: int) -> None:
    """Camera, lamp and sky of a view."""
    camera = scene.camera
    camera.matrix_world = Matrix(told["world_from_camera"][view].tolist()) @ FLIP
    camera.data.lens = SENSOR * float(told["focal"][view])
    azimuth, elevation = (float(each) for each in told["lamps"][view])
    sun = scene.objects["Sun"]
    sun.rotation_euler = Euler((0.5 * math.pi - elevation, 0.0, azimuth))
    sun.data.energy, sky = (float(each) for each in told["strengths"][view])
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Strength"].default_value = sky
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)


main(Path(sys.argv[sys.argv.index("--") + 1]))
