# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender does for a dataset: pictures of things, and the meshes of .blend files.

Pictures are by Cycles, with a lamp and a sky that differ from one to the next. Blender runs
`blender_script.py` or `blender_export.py` in a process of its own, with folders for what it is told
and for what it leaves. It must not know datasets or networks.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.errors import UserError
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from .samples import Solid, camera_of

SCRIPT = Path(__file__).with_name("blender_script.py")
EXPORT = Path(__file__).with_name("blender_export.py")
AHEAD, ASIDE = 0.9, 0.6
"""Radians: most that a lamp stands beside the camera, and above or below it."""
LAMP, SKY = (1.5, 4.0), (0.3, 0.9)
"""Strength of the sun, W/m², and of an even sky."""
ROUGH = (0.3, 0.9)
SECONDS = 1800.0
"""After which Blender counts as lost: a shard takes a minute."""


def pictures(
    things: Sequence[Solid], angles: Float[NDArray[Any], "n views 2"], pixels: int, program: str
) -> UInt8[NDArray[Any], "n views pixels pixels 4"]:
    """sRGB with straight alpha, from the cameras of `samples`; raises `UserError`."""
    with tempfile.TemporaryDirectory(prefix="lightkiln-blender-") as name:
        folder = Path(name)
        for index, (thing, views) in enumerate(zip(things, angles, strict=True)):
            draw = np.random.default_rng([index, thing.number])
            arrays: dict[str, Any] = _told(thing, views, pixels, draw)
            np.savez(folder / f"{index:04}.npz", **arrays)
        _run([*_words(program, SCRIPT), str(folder)])
        try:
            return np.stack(
                [
                    [_picture(folder / f"{index:04}-{view:03}.png") for view in range(len(views))]
                    for index, views in enumerate(angles)
                ]
            )
        except OSError:
            raise UserError(
                "Blender ended without all pictures.", hint="Make them with --painter own."
            ) from None


def exported(library: Path, into: Path, program: str) -> Path:
    """The folder with the meshes of a library's .blend files as PLY; raises `UserError`."""
    _run([*_words(program, EXPORT), str(library.resolve()), str(into.resolve())])
    return into


def found() -> str:
    """A Blender that can be run: on the path, or this Python's `bpy`; raises `UserError`."""
    program = shutil.which("blender")
    if program:
        return program
    if importlib.util.find_spec("bpy") is not None:
        return sys.executable
    raise UserError(
        "There is no Blender here.", hint="Give --blender PROGRAM, or a Python with `bpy`."
    )


def _words(program: str, script: Path) -> list[str]:
    """How the script is begun: by Blender, or by a Python that has it as a module."""
    if Path(program).name.lower().startswith("python"):
        return [program, str(script), "--"]
    return [program, "--background", "--factory-startup", "-noaudio", "--python", str(script), "--"]


def _run(words: list[str]) -> None:
    try:
        ended = subprocess.run(
            words, capture_output=True, text=True, timeout=SECONDS, check=False, errors="replace"
        )
    except OSError as error:
        raise UserError(
            f"{words[0]} cannot be run: {error.strerror}.", hint="Give --blender PROGRAM."
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError("Blender did not end.", hint="Make them with --painter own.") from None
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
        raise UserError(f"Blender failed: {' '.join(last)}.", hint="Give another --blender.")


def _told(thing: Solid, angles: NDArray[Any], pixels: int, draw: Generator) -> dict[str, Any]:
    """Arrays of one thing, as `blender_script.py` reads them."""
    cameras = [camera_of(each, pixels) for each in angles]
    mesh, count = thing.mesh, len(angles)
    assert mesh.colors is not None
    lamps = angles + np.stack(
        [draw.uniform(-AHEAD, AHEAD, count), draw.uniform(-ASIDE, ASIDE, count) + 0.5], axis=-1
    )
    return {
        "positions": mesh.positions,
        "triangles": mesh.triangles,
        "colors": mesh.colors,
        "world_from_camera": np.stack([np.linalg.inv(each.camera_from_world) for each in cameras]),
        "focal": np.array([each.intrinsics[0, 0] / pixels for each in cameras]),
        "lamps": lamps,
        "strengths": np.stack([draw.uniform(*LAMP, count), draw.uniform(*SKY, count)], axis=-1),
        "roughness": np.array(draw.uniform(*ROUGH)),
        "pixels": np.array(pixels),
    }


def _picture(path: Path) -> UInt8[NDArray[Any], "pixels pixels 4"]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))
