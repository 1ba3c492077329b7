# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets by this Blender: pictures with our outlines in other light, and an asset library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bpy

CHECK = """
import sys
from pathlib import Path
from lightkiln.learned.world.plan import Split
from lightkiln.learned.world.shards import things
own, blender = (things(Path(folder), Split.TRAIN).views for folder in sys.argv[1:])
a, b = own[..., 3] > 127, blender[..., 3] > 127
assert (a & b).sum() > 0.9 * (a | b).sum(), "outlines"
both = a & b
assert abs(own[both].astype(int) - blender[both]).mean() > 2.0, "light"
assert blender[both][:, :3].std() > 10.0, "colours"
"""


def test_this_blender_paints_a_dataset(tmp_path: Path) -> None:
    python = os.environ["LIGHTKILN_PYTHON"]
    made = [python, "-m", "lightkiln", "dataset", "make", "--families", "mug,car", "--count", "10"]
    made += ["--views", "1", "--pixels", "32", "--workers", "1"]
    painted = ["--painter", "blender", "--blender", sys.executable]
    for words in ([str(tmp_path / "own")], [str(tmp_path / "blender"), *painted]):
        ended = subprocess.run([*made, *words], capture_output=True, text=True, timeout=240)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    checked = [python, "-c", CHECK, str(tmp_path / "own"), str(tmp_path / "blender")]
    subprocess.run(checked, check=True, timeout=60)


OF_ASSETS = """
import sys
from pathlib import Path
from lightkiln.learned.world.plan import Split, plan_of
from lightkiln.learned.world.shards import things
folder = Path(sys.argv[1])
plan = plan_of(folder)
assert len(plan.meshes) == 3 and plan.families == ("000-kit",), plan
train = things(folder, Split.TRAIN)
assert abs(train.colors[0].astype(int) - (255, 0, 0)).max() <= 1, "colours"
size = train.surface[0].max(axis=0) - train.surface[0].min(axis=0)
assert size.argmax() == 2, "it stands"
"""


def test_an_asset_library_becomes_a_dataset(tmp_path: Path) -> None:
    things = []
    for number in range(4):
        bpy.ops.mesh.primitive_cube_add(size=1.0)
        thing = bpy.context.active_object
        thing.scale = (0.5, 0.5 + 0.1 * number, 2.0)
        material = bpy.data.materials.new("Red")
        if not material.node_tree:
            material.use_nodes = True
        shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value = (1.0, 0.0, 0.0, 1.0)
        thing.data.materials.append(material)
        things.append(thing)
    for thing in things[:3]:
        thing.asset_mark()
    bpy.context.view_layer.update()
    (tmp_path / "library").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library" / "kit.blend"), copy=True)
    python = os.environ["LIGHTKILN_PYTHON"]
    words = ["--meshes", str(tmp_path / "library"), "--count", "7", "--views", "1"]
    words += ["--pixels", "16", "--workers", "1", "--blender", sys.executable]
    made = [python, "-m", "lightkiln", "dataset", "make", str(tmp_path / "made"), *words]
    ended = subprocess.run(made, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "7 of each: 3 meshes" in " ".join(ended.stdout.split())
    subprocess.run([python, "-c", OF_ASSETS, str(tmp_path / "made")], check=True, timeout=60)
    for thing in things:
        bpy.data.objects.remove(thing)
