# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the measured scenes, inside a bpy module: `python -m benchmarks.scenes OUT [NAME ...]`.

Each scene becomes two folders: NAME with alpha, and NAME-open, the same pictures before a
textured sky without any mask. Both hold `images/` with `transforms.json`, `heldout/` with
`transforms_heldout.json`, and `truth.ply`, the mesh itself in world axes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from benchmarks import paint, shapes, solids, studio

NUM_VIEWS = 48
NUM_HELDOUT = 6
GLOSS, MIRROR = "gloss", "mirror"
"""The solid once more: under lacquer in which the lamps are seen, and of polished metal in which
the sky is."""
NAMES = (*shapes.SHAPES, GLOSS)
SETS = {"images": "transforms.json", "heldout": "transforms_heldout.json"}


def make(name: str, out: Path, shoot: studio.Shoot) -> None:
    """Render one scene into `out/name` and `out/name-open`."""
    studio.empty_studio(shoot)
    shape = "solid" if name in (GLOSS, MIRROR) else name
    thing = solids.smoothed(shapes.SHAPES[shape]())
    thing.data.materials.clear()
    studio.soft_light(radius=1.0)
    if name == MIRROR:
        thing.data.materials.append(paint.polished(name))
        paint.outdoors(bpy.context.scene.world)
    elif name == GLOSS:
        thing.data.materials.append(paint.lacquered(name, paint.PAINTS[shape]))
    else:
        thing.data.materials.append(paint.matt(name, paint.PAINTS[name]))
    points = studio.points_of(thing)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    cameras = {
        "images": studio.add_cameras("view", studio.directions(NUM_VIEWS, rng), points, shoot, rng),
        "heldout": studio.add_cameras(
            "heldout", studio.directions(NUM_HELDOUT, rng, (-15.0, 60.0)), points, shoot, rng
        ),
    }
    region = studio.region_around(points)
    for folder in (out / name, out / f"{name}-open"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for images, poses in SETS.items():
            (folder / images).mkdir()
            studio.write_transforms(folder / poses, cameras[images], images, region, shoot)
        studio.write_truth(folder / "truth.ply", thing)
    for images in SETS:
        studio.render(cameras[images], out / name / images)
    _render_open(thing, cameras, out / name, out / f"{name}-open")


def _render_open(
    thing: bpy.types.Object,
    cameras: dict[str, list[bpy.types.Object]],
    closed: Path,
    opened: Path,
) -> None:
    """Render the sky alone and lay the finished pictures over it: exact, as it lights nothing."""
    thing.hide_render = True
    scene = bpy.context.scene
    paint.outdoors(scene.world)
    scene.render.film_transparent = False
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    for images, group in cameras.items():
        studio.render(group, opened / images)
        for camera in group:
            file = f"{images}/{camera.name}.png"
            _lay_over(closed / file, opened / file)


def _lay_over(front: Path, back: Path) -> None:
    """Replace the picture `back` by `front` over `back`, mixed in linear light."""
    top, bottom = _pixels(front), _pixels(back)
    alpha = top[:, :, 3:]
    mixed = _encoded(_linear(top[:, :, :3]) * alpha + _linear(bottom[:, :, :3]) * (1.0 - alpha))
    height, width = alpha.shape[:2]
    image = bpy.data.images.new("over", width, height, alpha=False)
    pixels = np.concatenate([mixed, np.ones_like(alpha)], axis=-1)
    image.pixels.foreach_set(pixels.astype(np.float32).ravel())
    image.filepath_raw, image.file_format = str(back), "PNG"
    image.save()
    bpy.data.images.remove(image)


def _pixels(path: Path) -> NDArray[np.float32]:
    """The file's own values (H, W, 4) in [0, 1], bottom row first."""
    image = bpy.data.images.load(str(path))
    image.alpha_mode = "CHANNEL_PACKED"  # keep straight colours as they are
    width, height = image.size
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)


def _linear(srgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", default=list(NAMES), help="which scenes")
    parser.add_argument("--size", type=int, default=400, help="pixels along an edge")
    parser.add_argument("--samples", type=int, default=10, help="Cycles samples a pixel")
    options = parser.parse_args(arguments)
    for name in options.names:
        make(name, options.out.resolve(), studio.Shoot(size=options.size, samples=options.samples))


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
