# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs the demo's sample: `python -m demo.make_sample OUT`, inside a bpy module.

OUT receives `images/`, `transforms.json`, `truth.ply` (the mesh that was photographed) and
`sample.blend`: the jug with its lamps and cameras, each camera with its photograph behind it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from benchmarks import studio
from demo import jug

NUM_VIEWS = 48
SIZE, SAMPLES = 400, 4
SEED = 7


def make(out: Path, shoot: studio.Shoot, num_views: int = NUM_VIEWS) -> None:
    """Build the jug, photograph it all round and write the folder."""
    studio.empty_studio(shoot)
    thing = jug.make()
    studio.soft_light(radius=1.0)
    points = studio.points_of(thing)
    rng = np.random.default_rng(SEED)
    towards = studio.directions(num_views, rng)
    cameras = studio.add_cameras("view", towards, points, shoot, rng)
    (out / "images").mkdir(parents=True, exist_ok=True)
    studio.render(cameras, out / "images")
    region = studio.region_around(points)
    studio.write_transforms(out / "transforms.json", cameras, "images", region, shoot)
    studio.write_truth(out / "truth.ply", thing)
    _save(out / "sample.blend", cameras)


def _save(path: Path, cameras: Sequence[bpy.types.Object]) -> None:
    """Put each photograph behind its camera and save; pictures are found beside the file."""
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    for camera in cameras:
        behind = camera.data.background_images.new()
        behind.image = bpy.data.images.load(f"//images/{camera.name}.png")
        camera.data.show_background_images = True
        camera.data.display_size = 0.2
    bpy.context.scene.camera = cameras[len(cameras) // 2]
    bpy.ops.wm.save_mainfile()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels along an edge")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="Cycles samples a pixel")
    parser.add_argument("--views", type=int, default=NUM_VIEWS, help="photographs")
    options = parser.parse_args(arguments)
    shoot = studio.Shoot(size=options.size, samples=options.samples)
    make(options.out.resolve(), shoot, options.views)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
