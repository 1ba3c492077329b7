# SPDX-License-Identifier: GPL-3.0-or-later
"""Quads by Blender's QuadriFlow: in this Blender, which stands still meanwhile, or in another one:

    blender --background --factory-startup --python quadriflow.py -- MESH.blend QUADS.blend FACES

(Called with its dialog, Blender runs QuadriFlow as a job of its own, but locks the whole interface
until it is done.) It is a script too, so it imports nothing of the extension.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bpy
from bpy.types import Mesh, Object


def remesh(thing: Object, faces: int) -> bool:
    """Make a mesh of about so many quads of the active object's; False if that fails."""
    wanting = {"mode": "FACES", "target_faces": faces, "use_preserve_boundary": True}
    done = bpy.ops.object.quadriflow_remesh(
        **wanting, preserve_attributes=True, smooth_normals=True
    )
    return done == {"FINISHED"} and len(thing.data.polygons) > 0


class Elsewhere:
    """The work of another Blender, on a mesh of this one."""

    def __init__(self, mesh: Mesh, faces: int) -> None:
        """Begin; raises `OSError` if no other Blender can be started."""
        self._folder = Path(tempfile.mkdtemp(prefix="lightkiln-"))
        before, self._after = self._folder / "mesh.blend", self._folder / "quads.blend"
        words = [__file__, "--", str(before), str(self._after), str(faces)]
        if bpy.app.binary_path:
            options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python"]
            words = [bpy.app.binary_path, *options, *words]
        else:  # Blender as a module of Python
            words = [sys.executable, *words]
        try:
            bpy.data.libraries.write(str(before), {mesh})
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def is_over(self) -> bool:
        """True once it has ended, well or not."""
        return self._process.poll() is not None

    def take(self) -> Mesh | None:
        """The quads, in this file; None if there are none. To be called once."""
        found = None
        if self.is_over and self._after.exists():
            with bpy.data.libraries.load(str(self._after)) as (there, here):
                here.meshes = there.meshes
            found = next(iter(here.meshes), None)
        self.close()
        return found

    def close(self) -> None:
        """End it, and leave nothing behind."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _work(before: str, after: str, faces: int) -> bool:
    with bpy.data.libraries.load(before) as (there, here):
        here.meshes = there.meshes
    (mesh,) = here.meshes
    thing = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    thing.select_set(True)
    done = remesh(thing, faces)
    if done:
        bpy.data.libraries.write(after, {thing.data})
    return done


if __name__ == "__main__":
    first, second, number = sys.argv[sys.argv.index("--") + 1 :]
    sys.exit(0 if _work(first, second, int(number)) else 1)
