# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension costs and reaches in real Blenders:
`PYTHONPATH=tests python -m benchmarks.blender`.

Installs the zip in bpy modules, lets it start the real backend, and runs `benchmarks.upload`,
`benchmarks.ticks` and `benchmarks.imports` there, and `benchmarks.in_window` in the real window.
Writes `docs/benchmarks/extension.md` and its figures as JSON.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from addon.environments import python_of
from lightkiln.mesh.export_textured import BASE_COLOR, images, write_places
from lightkiln_shared.geometry import TexturedMesh
from PIL import Image
from window import blender as real
from window import chroot

from benchmarks import flood
from benchmarks.machine import DOCS, ROOT, commit, machine, today
from build_addon import build

UPLOAD_BLENDER, TICK_BLENDER = "4.5.15", "5.2.3"
IMPORT_BLENDERS = ("4.2.23", "5.2.3")
SCENE = Path.home() / ".cache" / "lightkiln" / "scenes" / "solid"
FACES = (100_000, 500_000, 1_000_000)
"""Triangles of the textured results that are imported."""
TEXTURE_SIDE = 2048
SECONDS = 300
WINDOW_SECONDS = 600


def main() -> None:
    extension = str(build())
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # a disk, where /tmp may be memory
        made = Path(folder)
        for faces in FACES:
            _leave_result(made / f"sheet-{faces}", faces)
        figures = {
            "date": today(),
            "commit": commit(),
            "machine": machine(),
            "upload": _run(UPLOAD_BLENDER, "upload", extension),
            "ticks": _run(TICK_BLENDER, "ticks", extension, str(SCENE)),
            "imports": [_run(each, "imports", extension, folder) for each in IMPORT_BLENDERS],
            "window": _in_window(made),
        }
    (DOCS / "extension.json").write_text(json.dumps(figures, indent=1) + "\n")
    template = Path(__file__).with_name("extension.template.md").read_text()
    (DOCS / "extension.md").write_text(template.format(**figures))


def _leave_result(folder: Path, faces: int) -> None:
    """The files of a textured job: a sheet with a noisy picture on it."""
    folder.mkdir()
    mesh = flood.sheet(flood.grid_of(faces))
    noise = np.random.default_rng(0).integers(0, 256, (TEXTURE_SIDE,) * 2 + (3,), dtype=np.uint8)
    uvs = 0.5 + 0.5 * mesh.positions[:, :2]
    textured = TexturedMesh(mesh=mesh, uvs=uvs, base_color=noise, normal_map=None)
    write_places(textured, folder / "result.ply")
    Image.fromarray(images(textured)[BASE_COLOR]).save(folder / BASE_COLOR)


def _run(blender: str, name: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this package in a Blender; returns the JSON that it leaves."""
    backend = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "lightkiln"]
    about = {
        "LIGHTKILN_COMMAND": shlex.join(backend),
        "LIGHTKILN_METHODS": "benchmarks.flood:SPEC",
    }
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        about["BLENDER_USER_RESOURCES"] = f"{folder}/blender"
        command = [python_of(blender), "-m", f"benchmarks.{name}", folder, *arguments]
        try:
            subprocess.run(
                command, cwd=ROOT, env={**os.environ, **about}, check=True, timeout=SECONDS
            )
        finally:
            _end_backend(Path(folder) / "backend" / "server.json")
        result: dict[str, Any] = json.loads((Path(folder) / f"{name}.json").read_text())
        return result


def _in_window(folder: Path) -> dict[str, Any]:
    """Run `benchmarks.in_window` in the newest Blender on a screen of its own."""
    chroot.prepare()
    inside = Path("/host")  # this system's root as it shows there
    os.environ["PYTHONPATH"] = str(inside / ROOT.relative_to("/"))
    os.environ["LIGHTKILN_METHODS"] = "benchmarks.flood:SPEC"
    script = inside / ROOT.relative_to("/") / "benchmarks" / "in_window.py"
    words = ["--python-use-system-env", "--python", str(script), "--", str(folder)]
    words.append(str(inside / SCENE.relative_to("/")))
    figures, failed = folder / "window.json", folder / "failed.txt"
    end = time.monotonic() + WINDOW_SECONDS
    with real.opened(folder, words, python_path=ROOT) as window:
        while not figures.exists():
            if failed.exists() or window.process.poll() is not None or time.monotonic() > end:
                sys.exit(failed.read_text() if failed.exists() else f"see {folder}/blender.log")
            time.sleep(0.5)
    result: dict[str, Any] = json.loads(figures.read_text())
    return result


def _end_backend(runtime: Path) -> None:
    if runtime.exists():
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


if __name__ == "__main__":
    main()
