# SPDX-License-Identifier: GPL-3.0-or-later
"""What a texture brings: `python -m benchmarks.texture` writes `docs/benchmarks/texture.md`.

Surfaces are taken from `build/benchmarks` and made by the real command where they are missing.
It must not know how textures are made.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.transforms import read
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.rasterize import shade, shade_textured
from lightkiln.metrics.images import psnr
from lightkiln.stereo.vertex_colors import colored
from lightkiln.texture.finish import reduced, textured
from lightkiln_shared.camera import Camera
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion, gaussian_filter

from benchmarks.heldout import POSES
from benchmarks.machine import DOCS, ROOT, commit, machine, today
from benchmarks.run import SCENES, WORK
from benchmarks.tables import table

TANKARD = ROOT.parent / "shared" / "data" / "tankard"
HELD_OUT = 8
SIZE = 2048
FINE, INSIDE = 3.0, 8
"""Pixels: what is finer is detail, and how far inside the object it is compared."""
Pixels = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One surface at one face budget."""

    scene: str
    faces: int
    vertices: float
    """PSNR of vertices' colours, dB."""
    texture: float
    inside_vertices: float
    """The same, away from the object's outline."""
    inside_texture: float
    detail_vertices: float
    detail_texture: float
    seconds: float
    """Of the processor."""
    peak_mb: float


CASES = (
    ("solid", "stereo", 100_000),
    ("solid", "stereo", 20_000),
    ("holes", "stereo", 100_000),
    ("holes", "stereo", 20_000),
    ("solid", "truth", 100_000),
    ("holes", "truth", 100_000),
    ("tankard", "stereo", 100_000),
)


def main() -> None:
    """Each case in a process of its own, for its memory."""
    if sys.argv[1:]:
        scene, source, faces = sys.argv[1:]
        print(json.dumps(asdict(measure(scene, source, int(faces)))))  # noqa: T201 to the parent
        return
    rows = []
    for case in CASES:
        command = [sys.executable, "-m", "benchmarks.texture", *map(str, case)]
        told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        rows.append(Row(**json.loads(told.stdout.splitlines()[-1])))
    about = {"date": today(), "machine": machine(), "commit": commit(), "size": SIZE}
    template = Path(__file__).with_suffix(".template.md").read_text()
    (DOCS / "texture.md").write_text(template.format(table=_table(rows), **about))


def measure(scene: str, source: str, faces: int) -> Row:
    """Colour a surface twice, and look at it from where nobody looked."""
    folder = _tankard_folder() if scene == TANKARD.name else SCENES / scene
    surface = load_mesh(_surface(folder, scene, source))
    assert isinstance(surface, TriangleMesh)  # the command writes nothing else
    views = load_inputs(*open_scene(folder)).views
    options = Finish(texture=SIZE, faces=faces, normal_map=False)
    mesh = reduced(surface, options)
    start = time.process_time()
    made = textured(mesh, surface, views, options)
    seconds = time.process_time() - start
    by_vertex = colored(mesh, views)
    vertices = list(_scores(folder, lambda camera: shade(by_vertex, camera)))
    texture = list(_scores(folder, lambda camera: shade_textured(made, camera)))
    means = np.concatenate([np.mean(vertices, axis=0), np.mean(texture, axis=0)])
    return Row(
        scene=scene if source == "stereo" else f"{scene} ({source})",
        faces=len(mesh.triangles),
        vertices=round(float(means[0]), 2),
        texture=round(float(means[3]), 2),
        inside_vertices=round(float(means[1]), 2),
        inside_texture=round(float(means[4]), 2),
        detail_vertices=round(float(means[2]), 2),
        detail_texture=round(float(means[5]), 2),
        seconds=round(seconds),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    )


def _scores(folder: Path, render: Callable[[Camera], Pixels]) -> Iterator[tuple[float, ...]]:
    """(PSNR, PSNR inside, detail) at each camera that was held out."""
    for photo in read(folder / POSES).photos:
        truth = np.asarray(Image.open(photo.image).convert("RGBA")).copy()
        if photo.mask is not None:
            truth[..., 3] = np.asarray(Image.open(photo.mask).convert("L"))
        ours, theirs = _over_white(render(photo.camera)), _over_white(truth)
        on_object = truth[..., 3] > 127
        inside = binary_erosion(on_object, iterations=INSIDE)
        detail = np.corrcoef(_fine(ours)[inside], _fine(theirs)[inside])[0, 1]
        yield psnr(ours, theirs, on_object), psnr(ours, theirs, inside), float(detail)


def _fine(pixels: Pixels) -> Pixels:
    grey = pixels.mean(axis=-1)
    return np.asarray(grey - gaussian_filter(grey, FINE))


def _over_white(pixels: Pixels) -> Pixels:
    alpha = pixels[..., 3:].astype(np.float64) / 255.0
    return np.asarray(np.rint(pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)), dtype=np.uint8)


def _surface(folder: Path, scene: str, source: str) -> Path:
    if source == "truth":
        return folder / "truth.ply"
    path = WORK / f"{scene}.texture.stereo.ply"
    if not path.exists():
        command = [sys.executable, "-m", "lightkiln", "reconstruct", folder, "-o", path]
        subprocess.run([*command, "--method", "stereo"], check=True, capture_output=True)
    return path


def _tankard_folder() -> Path:
    """The photographs, those with a number that eight divides apart."""
    folder = WORK / TANKARD.name
    folder.mkdir(parents=True, exist_ok=True)
    document = json.loads((TANKARD / "transforms.json").read_text())
    for name in ("images", "masks"):
        if not (folder / name).exists():
            (folder / name).symlink_to(TANKARD / name)
    frames = document["frames"]
    sets = {
        "transforms.json": [frame for i, frame in enumerate(frames) if i % HELD_OUT],
        POSES: frames[::HELD_OUT],
    }
    for name, chosen in sets.items():
        (folder / name).write_text(json.dumps({**document, "frames": chosen}))
    return folder


def _table(rows: list[Row]) -> str:
    head = ["scene", "faces", "vertices, dB", "texture, dB", "gain, dB"]
    head += ["inside: vertices, dB", "texture, dB", "gain, dB"]
    head += ["detail, vertices", "detail, texture", "seconds", "memory, MB"]
    return table(
        head,
        [
            [
                row.scene,
                f"{row.faces:,}",
                f"{row.vertices:.1f}",
                f"{row.texture:.1f}",
                f"{row.texture - row.vertices:+.1f}",
                f"{row.inside_vertices:.1f}",
                f"{row.inside_texture:.1f}",
                f"{row.inside_texture - row.inside_vertices:+.1f}",
                f"{row.detail_vertices:.2f}",
                f"{row.detail_texture:.2f}",
                f"{row.seconds:.0f}",
                f"{row.peak_mb:.0f}",
            ]
            for row in rows
        ],
    )


if __name__ == "__main__":
    main()
