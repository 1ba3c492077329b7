# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a job before it is sent: photographs, sizes, coverage of the region. No bpy.

Headers are read and cameras are projected; nothing is decoded, because Blender's Python has no
decoder beside bpy. What wants the pixels, blur and exposure, the backend says as warnings at the
start of the run. Runs in a thread of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import shots
from .convert import camera_from_blender
from .shared.camera import Camera
from .shared.checks import region_points, sees
from .shared.errors import InvalidScene
from .shared.scene import Region
from .shots import Order

GOOD_VIEWS = 20
MIN_SEEING = 3
NAMED = 5
SIDES = {"right": (1, 0), "left": (-1, 0), "back": (0, 1), "front": (0, -1)}
"""Of the world, horizontally: Blender's own names, front is -Y."""
COS_SIDE = np.cos(np.radians(50.0))  # a little over 45 degrees: a camera at a corner shows two


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before the run."""

    text: str
    is_serious: bool = True
    """The run would fail, or suffer."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    num_images: int
    megapixels: float
    """Of all images together."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Image:
    name: str
    sha256: str
    camera: Camera


def check(order: Order) -> Report:
    """Look at everything that an order names; never raises for what a person can mend."""
    images, missing = _images(order)
    findings = [Finding(text) for text in missing]
    if len(images) < GOOD_VIEWS:
        findings.append(
            Finding(f"{len(images)} photographs: twenty or more all around are better.")
        )
    findings += _same_file(images)
    findings += _sizes(images)
    if order.region is not None and images:
        findings += _coverage(images, order.region)
    pixels = sum(image.camera.width * image.camera.height for image in images)
    return Report(num_images=len(images), megapixels=pixels / 1e6, findings=tuple(findings))


def expected_memory_mb(report: Report, of_method: int) -> float:
    """The method's own share and the decoded photographs, three bytes a pixel."""
    return of_method + 3.0 * report.megapixels


def _images(order: Order) -> tuple[list[_Image], list[str]]:
    """The images that can be read, and what is wrong with the others."""
    images, missing = [], []
    for shot in order.shots:
        try:
            source = shots.image_of(shot, order.folder)
            sha256, _, (width, height) = shots.measure(source, shots.name_of(shot, source))
        except InvalidScene as error:
            missing.append(str(error))
            continue
        camera = camera_from_blender(shot.matrix_world, shot.lens, width, height)
        images.append(_Image(shots.name_of(shot, source), sha256, camera))
    return images, missing


def _same_file(images: Sequence[_Image]) -> list[Finding]:
    by_content = defaultdict(list)
    for image in images:
        by_content[image.sha256].append(image.name)
    same = [names for names in by_content.values() if len(names) > 1]
    return [Finding(f"The same photograph for several cameras: {_some(names)}.") for names in same]


def _sizes(images: Sequence[_Image]) -> list[Finding]:
    by_size = defaultdict(list)
    for image in images:
        by_size[image.camera.width, image.camera.height].append(image.name)
    if len(by_size) < 2:
        return []
    usual = max(by_size, key=lambda size: len(by_size[size]))
    others = [name for size, names in by_size.items() if size != usual for name in names]
    text = f"Not {usual[0]} x {usual[1]} pixels like the others: {_some(others)}."
    return [Finding(text, is_serious=False)]


def _coverage(images: Sequence[_Image], region: Region) -> list[Finding]:
    """How many cameras see the region's points, and from which sides none does."""
    points = region_points(region, num=5)
    seen = np.array([sees(image.camera, points) for image in images])
    blind = [image.name for image, row in zip(images, seen, strict=True) if not row.any()]
    findings = [Finding(f"Does not see the region: {_some(blind)}.")] if blind else []
    few = float((seen.sum(axis=0) < MIN_SEEING).mean())
    if few > 0.0:
        findings.append(Finding(f"{few:.0%} of the region is seen by fewer than 3 cameras."))
    centre = points.mean(axis=0)
    looking = [image.camera for image, row in zip(images, seen, strict=True) if row.any()]
    without = _sides_without(looking, centre)
    if without:
        text = f"No camera looks from the {' or the '.join(without)}: that side stays a guess."
        findings.append(Finding(text, is_serious=False))
    return findings


def _sides_without(cameras: Sequence[Camera], centre: np.ndarray) -> list[str]:
    flat = np.array([np.asarray(c.world_from_camera)[:2, 3] - centre[:2] for c in cameras])
    lengths = np.linalg.norm(flat, axis=1) if len(flat) else np.zeros(0)
    directions = (
        flat[lengths > 0.0] / lengths[lengths > 0.0, None] if len(flat) else np.zeros((0, 2))
    )
    return [side for side, axis in SIDES.items() if not (directions @ axis >= COS_SIDE).any()]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
