# SPDX-License-Identifier: GPL-3.0-or-later
"""The U-Net on phantoms that it never saw beside thresholds, and on a real CT.

It must not know pages.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.capture.volume import Volume, canonical
from lightkiln.capture.volume_files import read_volume
from lightkiln.learned.slices.lesson import dice, dice_of
from lightkiln.learned.slices.parts import BONE, CONTRAST
from lightkiln.learned.slices.phantoms import TEST, phantom
from lightkiln.learned.slices.segment import network_of, surface
from lightkiln.mesh.clean import parts
from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import ball_around, camera_around
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.unet_slices import Params
from lightkiln.methods.unet_slices.infer import reconstruct
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region, RegionShape
from PIL import Image

from benchmarks.learned_sheet import Cell, on_paper

BODIES, SIZE = 10, (128, 128, 14)
LEVELS = range(60, 500, 20)
"""Hounsfield units: bone is above one of them; the best is taken, to its favour."""
LOWS, HIGHS = range(100, 300, 20), range(200, 600, 25)
BONE_LEVEL = 200.0
SIDE = 340
SIDES = (np.pi, 0.5 * np.pi, 0.0)
"""Front, side, back: the patient looks towards +Y."""
CUBE = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))


def measured() -> dict[str, float]:
    """Dice of bone and of organs with contrast medium, means of the bodies that have them."""
    network = network_of("", torch.device("cpu"))
    bodies = [phantom(seed, SIZE) for seed in TEST[:BODIES]]
    found = np.array([dice_of(network, body) for body in bodies])
    levels = [[dice(b.values > low, b.labels == BONE) for low in LEVELS] for b in bodies]
    windows = [
        [
            dice((b.values > low) & (b.values < high), b.labels == CONTRAST)
            for low in LOWS
            for high in HIGHS
        ]
        for b in bodies
    ]
    means = np.nanmean(levels, axis=0)
    bone, organ = np.nanmean(found, axis=0)
    return {
        "bone": float(bone),
        "bone_worst": float(np.nanmin(found[:, 0])),
        "bone_best": float(np.nanmax(found[:, 0])),
        "organ": float(organ),
        "threshold": float(means.max()),
        "level": float(LEVELS[int(means.argmax())]),
        "window": float(np.nanmean(windows, axis=0).max()),
    }


def of_scan(path: Path) -> tuple[dict[str, float], list[tuple[str, list[Cell]]]]:
    """Seconds and parts of a CT's bones, and pictures of them beside a plain threshold's."""
    began = time.monotonic()
    bones = reconstruct(LearnedInputs(region=CUBE, volume=path), Params(), DetachedRun())
    seconds = time.monotonic() - began
    plain = _by_threshold(canonical(read_volume(path)))
    figures = {"seconds": seconds, "parts": _parts(bones), "threshold_parts": _parts(plain)}
    centre, radius = ball_around(bones)
    cells = {
        name: [_clay(mesh, centre, 0.86 * radius, side) for side in SIDES]
        for name, mesh in (("U-Net", bones), ("200 HU", plain))
    }
    return figures, list(cells.items())


def _by_threshold(scan: Volume) -> TriangleMesh:
    """The same surface of the values themselves: a ramp of 400 units about the level."""
    share = np.clip((scan.values - BONE_LEVEL) / 400.0 + 0.5, 0.0, 1.0).astype(np.float32)
    return surface(scan, share, smooth=0.0, min_share=0.001)


def _parts(mesh: TriangleMesh) -> float:
    return float(parts(mesh).max() + 1)


def _clay(mesh: TriangleMesh, centre: np.ndarray, radius: float, side: float) -> Cell:
    camera = camera_around(centre, radius, side, 0.12, SIDE)
    return on_paper(Image.fromarray(shade(mesh, camera, clay=True)))
