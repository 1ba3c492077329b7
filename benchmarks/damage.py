# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoils a rendered scene in one way: wrong regions, noisy poses, exposures, masks, too few views.

Each damage turns a folder's `transforms.json` and pictures into others, by a seed, and leaves the
original as it is. It must not know methods or measures.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import shift
from scipy.spatial.transform import Rotation

from benchmarks.heldout import OPEN, SEED

POSES = "transforms.json"
WRONG_MASKS = 0.1
"""Of the views."""
STOPS = 1.0
"""By so much every third photograph is brighter, and every third darker."""
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spoiled:
    """A scene that is about to be written."""

    document: dict[str, Any]
    pictures: list[Array]
    """(H, W, 4) or (H, W, 3) uint8, in the order of the frames."""
    open_pictures: list[Array] | None
    """The same before the sky, of a scene with masks."""
    random: np.random.Generator


def damaged(scene: Path, damage: Callable[[Spoiled], None], out: Path) -> None:
    """Write the scene at `scene`, spoiled, to `out`."""
    document = json.loads((scene / POSES).read_text())
    files = [frame["file_path"] for frame in document["frames"]]
    spoiled = Spoiled(
        document=document,
        pictures=[_read(scene / file) for file in files],
        open_pictures=None
        if scene.name.endswith(OPEN)
        else [_read(scene.with_name(scene.name + OPEN) / file) for file in files],
        random=np.random.default_rng(SEED),
    )
    damage(spoiled)
    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    for frame, pixels in zip(document["frames"], spoiled.pictures, strict=True):
        Image.fromarray(pixels).save(out / frame["file_path"], compress_level=1)
    (out / POSES).write_text(json.dumps(document))


def region_beside(spoiled: Spoiled) -> None:
    """Move the region aside by 1.15 of its width: it misses the object, and is in the pictures."""
    _place_region(spoiled, 1.0, 1.15)


def region_across(spoiled: Spoiled) -> None:
    """Move the region aside by a third of its width: it cuts the object."""
    _place_region(spoiled, 1.0, 1.0 / 3.0)


def region_of_all(spoiled: Spoiled) -> None:
    """Make the region hold the cameras too."""
    region = np.array(spoiled.document["region"]["world_from_region"])
    places = np.array([frame["transform_matrix"] for frame in spoiled.document["frames"]])
    reach = np.abs((places[:, :3, 3] - region[:3, 3]) / np.diag(region)[:3]).max()
    _place_region(spoiled, 1.05 * float(reach), 0.0)


def noisy_poses(pixels: float) -> Callable[[Spoiled], None]:
    """Turn and move each camera so that the region's points move by `pixels` (root mean square)."""

    def damage(spoiled: Spoiled) -> None:
        document = spoiled.document
        points = _points(np.array(document["region"]["world_from_region"]))
        for frame in document["frames"]:
            pose = np.array(frame["transform_matrix"])
            distance = float(np.linalg.norm(pose[:3, 3] - points.mean(axis=0)))
            turn, move = spoiled.random.normal(size=(2, 3))
            size = 1e-3
            for _ in range(4):  # what a motion moves in the picture is all but linear in its size
                moved = _moved(pose, size * turn, size * distance * move)
                apart = _project(document, moved, points) - _project(document, pose, points)
                size *= pixels / float(np.sqrt((apart**2).sum(axis=1).mean()))
            frame["transform_matrix"] = moved.tolist()

    return damage


def exposure_jumps(spoiled: Spoiled) -> None:
    """Every third photograph a stop brighter, every third a stop darker, as a camera would."""
    for index, pixels in enumerate(spoiled.pictures):
        gain = 2.0 ** (STOPS * (index % 3 - 1))
        linear = (pixels[..., :3] / 255.0) ** 2.2
        pixels[..., :3] = np.rint(255.0 * np.minimum(gain * linear, 1.0) ** (1.0 / 2.2))


def wrong_masks(spoiled: Spoiled) -> None:
    """A tenth of the masks lacks a half, holds half of the background, is another's, is moved or
    turned inside out, by turns. Under the alpha are photographs with their background."""
    assert spoiled.open_pictures is not None  # only scenes with masks have masks that may be wrong
    for closed, opened in zip(spoiled.pictures, spoiled.open_pictures, strict=True):
        closed[..., :3] = opened[..., :3]
    count = len(spoiled.pictures)
    chosen = spoiled.random.permutation(count)[: round(WRONG_MASKS * count)]
    others = [spoiled.pictures[(i + count // 2) % count][..., 3].copy() for i in chosen]
    for turn, (index, other) in enumerate(zip(chosen, others, strict=True)):
        alpha = spoiled.pictures[index][..., 3]
        alpha[:] = _wrong(alpha, other, turn)


def few_views(count: int) -> Callable[[Spoiled], None]:
    """Keep the first view and those whose cameras are nearest to it."""

    def damage(spoiled: Spoiled) -> None:
        frames = spoiled.document["frames"]
        places = np.array([frame["transform_matrix"] for frame in frames])[:, :3, 3]
        kept = np.argsort(np.linalg.norm(places - places[0], axis=1))[:count]
        spoiled.document["frames"] = [frames[i] for i in kept]
        spoiled.pictures[:] = [spoiled.pictures[i] for i in kept]

    return damage


def nothing(spoiled: Spoiled) -> None:
    """Leave the scene as it is."""


def _wrong(alpha: Array, other: Array, turn: int) -> Array:
    rows = np.flatnonzero(alpha.max(axis=1))
    half = alpha.copy()
    half[(rows[0] + rows[-1]) // 2 :] = 0
    left = alpha.copy()
    left[:, : alpha.shape[1] // 2] = 255
    moved = shift(alpha, (0, alpha.shape[1] // 8), order=0)
    return [half, left, other, moved, 255 - alpha][turn % 5]


def _read(path: Path) -> Array:
    return np.array(Image.open(path))


def _place_region(spoiled: Spoiled, scale: float, aside: float) -> None:
    """Scale the region about its centre and move it along x by `aside` of its width."""
    region = np.array(spoiled.document["region"]["world_from_region"])
    region[:3, 3] += 2.0 * aside * region[:3, 0]
    region[:3, :3] *= scale
    spoiled.document["region"]["world_from_region"] = region.tolist()


def _points(region: Array) -> Array:
    """A lattice of points in the middle half of the region (125, 3)."""
    steps = np.linspace(-0.5, 0.5, 5)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(cube @ region[:3, :3].T + region[:3, 3])


def _moved(pose: Array, turn: Array, move: Array) -> Array:
    """A camera-to-world pose turned about the camera by a rotation vector, and moved."""
    out = pose.copy()
    out[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ pose[:3, :3]
    out[:3, 3] += move
    return np.asarray(out)


def _project(document: dict[str, Any], pose: Array, points: Array) -> Array:
    """Pixels (n, 2) of points in an OpenGL camera."""
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    focal = np.array([document["fl_x"], -document["fl_y"]])
    return np.asarray(focal * local[:, :2] / -local[:, 2:])
