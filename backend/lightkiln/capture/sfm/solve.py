# SPDX-License-Identifier: GPL-3.0-or-later
"""Structure from motion, from photographs to a scene: prepare, find, match, map, set upright.

Works on the workspace's small images and gives everything in the pixels of the photographs.
It must not know methods, jobs or the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import InvalidScene

from lightkiln.capture.colmap_camera import camera_from_colmap
from lightkiln.capture.colmap_library import pycolmap
from lightkiln.capture.inputs import PhotoFile
from lightkiln.capture.sparse_region import fit_to_points

from . import frame, mapping, pairs, reasons, turning
from .features import Database
from .polishing import polish
from .preparing import Prepared, prepare
from .solved import Placed, Solved, SparsePoints, Unplaced, Watch
from .sources import as_photographs

MIN_PHOTOS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How it is done."""

    max_side: int = 1600
    """Larger photographs are shrunk to this for matching, pixels."""
    features: int = 4096
    """Of each photograph, at most."""
    lens: str = "SIMPLE_RADIAL"
    """COLMAP's camera model, one that ours can hold."""
    in_order: bool = False
    """The photographs follow each other, as in a film."""
    all_at_once: bool = False
    """Global instead of incremental mapping."""


def solve(photos: Sequence[PhotoFile], workspace: Path, settings: Settings, watch: Watch) -> Solved:
    """Find where the photographs were taken.

    Raises `InvalidScene` that says what is wrong with the photographs if nothing can be solved.
    """
    with watch.phase("reading", share=0.05):
        given, unreadable, is_film = as_photographs(photos, workspace / "made")
        prepared, useless = prepare(given, workspace, settings.max_side, watch)
        useless = [*unreadable, *useless]
    if len(prepared) < MIN_PHOTOS:
        raise _too_few(len(prepared), useless)
    settings = replace(settings, in_order=settings.in_order or is_film)
    database = Database(workspace, prepared, settings.lens)
    try:
        return _solved(database, prepared, useless, workspace, settings, watch)
    finally:
        database.close()


def _solved(
    database: Database,
    prepared: list[Prepared],
    useless: list[Unplaced],
    workspace: Path,
    settings: Settings,
    watch: Watch,
) -> Solved:
    with watch.phase("features", share=0.25):
        features = database.find_features(settings.features, watch)
    with watch.phase("matching", share=0.35):
        files = [each.file for each in prepared]
        chosen = (
            pairs.in_order(len(files)) if settings.in_order else pairs.alike(database.colmap, files)
        )
        database.match(chosen, watch)
    with watch.phase("second look", share=0.1):
        database.match_again(chosen, watch)
    with watch.phase("cameras", share=0.2):
        if settings.all_at_once:
            groups = mapping.globally(database, workspace, watch)
        else:
            groups = mapping.incremental(database, len(prepared), watch)
    with watch.phase("scene", share=0.05):
        for _ in watch.steps(1):
            for group in groups[:1]:
                polish(group)
        known = reasons.gather(database, features, groups)
        if turning.only_turned(database) or (groups and reasons.has_no_depth(groups[0])):
            raise reasons.from_one_place()
        if not groups:
            raise reasons.no_scene(database, known)
        return _placed(groups[0], prepared, useless, known)


def _too_few(count: int, useless: Sequence[Unplaced]) -> InvalidScene:
    first = f" {useless[0].photo.name}: {useless[0].text}" if useless else ""
    return InvalidScene(
        f"{count} of {count + len(useless)} photographs can be used; it takes {MIN_PHOTOS}.{first}",
        hint="Take twenty or more, all around the object.",
    )


def _placed(
    group: Any, prepared: list[Prepared], useless: list[Unplaced], known: reasons.Evidence
) -> Solved:
    """Name, enlarge and set upright what was solved."""
    by_file = {each.file: each for each in prepared}
    found = [group.images[number] for number in group.reg_image_ids()]
    found.sort(key=lambda image: image.name)  # numbers are given in the order of extraction
    mine = [by_file[image.name] for image in found]
    points = _points(group)
    error = float(group.compute_mean_reprojection_error())
    errors = _errors_by_image(group)
    region = _set_upright(group, found, mine, points)
    _enlarge(group, by_file)
    placed = tuple(
        Placed(
            photo=each.photo,
            camera=_camera(image),
            num_points=int(image.num_points3D),
            error=errors.get(image.image_id, 0.0) * each.size[0] / each.small[0],
        )
        for image, each in zip(found, mine, strict=True)
    )
    missing = [each for each in prepared if each not in mine]
    lost = [*useless, *reasons.unplaced(missing, prepared, known)]
    _name(found, mine)
    return Solved(
        placed=placed,
        unplaced=tuple(sorted(lost, key=lambda each: each.photo.name)),
        points=_points(group),
        region=region,
        error=error,
        reconstruction=group,
    )


def _points(group: Any) -> SparsePoints:
    points = list(group.points3D.values())
    return SparsePoints(
        positions=np.array([point.xyz for point in points], dtype=np.float32).reshape(-1, 3),
        colors=np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3),
        errors=np.array([point.error for point in points], dtype=np.float32),
        track_lengths=np.array([point.track.length() for point in points], dtype=np.int32),
    )


def _errors_by_image(group: Any) -> dict[int, float]:
    """Mean over the points that each image sees of their error, pixels as matched."""
    seen: dict[int, list[float]] = {}
    for point in group.points3D.values():
        for element in point.track.elements:
            seen.setdefault(element.image_id, []).append(point.error)
    return {number: float(np.mean(errors)) for number, errors in seen.items()}


def _camera(image: Any) -> Any:
    matrix = np.eye(4)
    matrix[:3] = image.cam_from_world().inverse().matrix()
    camera = camera_from_colmap(image.camera, matrix)
    assert camera is not None, "the mapper was given a model that ours can hold"
    return camera


def _set_upright(group: Any, found: list[Any], mine: list[Prepared], points: SparsePoints) -> Any:
    """Turn, then fit the region, then bring its centre to the origin and the cameras to 1 m."""
    cameras = [_camera(image) for image in found]
    up = frame.up_axis(cameras, [each.orientation for each in mine])
    turn = frame.upright(up, cameras[0].world_from_camera[:3, 2])
    group.transform(pycolmap.Sim3d(1.0, pycolmap.Rotation3d(turn), np.zeros(3)))
    turned = [_camera(image) for image in found]
    region = fit_to_points(
        turned,
        points.positions.astype(np.float64) @ turn.T,
        points.errors,
        points.track_lengths,
    )
    middle = region.world_from_region[:3, 3].copy()
    scale = frame.scale_of(np.stack([camera.centre for camera in turned]), middle)
    none = pycolmap.Rotation3d(np.eye(3))
    group.transform(pycolmap.Sim3d(scale, none, -scale * middle))
    region.world_from_region[:3, :3] *= scale
    region.world_from_region[:3, 3] = 0.0
    return region


def _enlarge(group: Any, by_file: dict[str, Prepared]) -> None:
    """From the pixels that were matched to those of the photographs."""
    size_of: dict[int, tuple[int, int]] = {}
    for image in group.images.values():
        each = by_file[image.name]
        size_of[image.camera_id] = each.size
        if each.size != each.small:
            factor = np.array(each.size) / np.array(each.small)
            for point in image.points2D:
                point.xy = point.xy * factor
    for number, size in size_of.items():
        group.cameras[number].rescale(*size)


def _name(found: list[Any], mine: list[Prepared]) -> None:
    """Give the images the photographs' names, which several may share."""
    taken: set[str] = set()
    for image, each in zip(found, mine, strict=True):
        name = each.photo.name
        image.name = f"{each.file}-{name}" if name in taken else name
        taken.add(name)
