# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras whose poses are a little off, adjusted until they agree on what they saw.

What several views saw is found again (`tracks`), and poses and points move together until the
points fall onto the places where they were seen (bundle adjustment: Triggs et al., 1999); lenses
stay. The whole may drift, turn and grow meanwhile, so in the end it is laid over the poses that
were given, by the similarity that brings the cameras and their axes back best.
It must not know methods or jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, scaled
from numpy.typing import NDArray
from PIL import Image

from .colmap_camera import colmap_from_camera
from .colmap_library import pycolmap
from .inputs import LoadedView, SurePoints
from .tracks import Tracks, intersections, misses, spread, sure, tracked

GLANCE, LOOK = (500, 800), (800, 3000)
"""Pixels that larger photographs are shrunk to, and features of each: to see whether cameras fit,
which takes a tenth of a second a photograph, and to adjust them."""
FIT = 0.6
"""Pixels: cameras that agree so well are left as they are. Exact ones come to 0.25 to 0.35, by
where features lie; ones that are off by a pixel to 1.0. Adjusted ones are off by 0.2 to 0.4.
"""
SOFTNESS = 0.5
"""Pixels, of Cauchy's loss: where a feature lies by itself."""
FARTHEST = (12.0, 3.0)
"""Pixels: what is farther from its point before a round of adjustment is left out."""
DRAWN_AWAY = 2.5
"""Cameras that are off move by about what they missed, in pixels. Those that move by so many times
as much were drawn away: by what mirrors, to 7 times."""
FEWEST = 15
"""Observations that fix a camera; one with fewer stays as it is."""
MOST_STEPS = 50
LEAST_ANGLE = np.radians(2.0)
"""Between the rays to a point: a sky fixes no place, and drags what it cannot fix."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjusted:
    """Cameras, and how well they agree."""

    cameras: tuple[Camera, ...] | None
    """In the order of the views, for their images; None where what the photographs have in common
    fits no cameras: a mirror's pictures, or wrong matches."""
    before: float
    """Median distance of what was seen from where it should be, pixels of the images."""
    after: float
    """The same after adjustment."""


def glanced(views: Sequence[LoadedView]) -> Tracks:
    """What the views have in common at a glance, in pixels of the views shrunk to `GLANCE`."""
    side, most = GLANCE
    return tracked([_shrunk(view, side) for view in views], most)


def sure_points(views: Sequence[LoadedView], tracks: Tracks) -> SurePoints:
    """The points of a glance that the views' cameras agree upon."""
    cameras = [_small(view, GLANCE[0]) for view in views]
    return sure(cameras, tracks)


def adjusted(views: Sequence[LoadedView], glance: Tracks) -> Adjusted | None:
    """The cameras after adjustment; None if they fit, or the views have too little in common."""
    for side, most in (GLANCE, LOOK):
        small = [_shrunk(view, side) for view in views]
        given = [view.camera for view in small]
        found = glance if (side, most) == GLANCE else tracked(small, most)
        tracks = _fixing(given, found)
        if len(tracks.views) < FEWEST * len(views):
            return None
        before = float(np.median(_apart(given, tracks)))
        if before <= FIT:
            return None
    fitting = given
    for farthest in FARTHEST:
        tracks = tracks.only(_apart(fitting, tracks) <= farthest)
        fitting = _bundled(fitting, tracks)
    fitting = _laid_over(fitting, given)
    after = float(np.median(_apart(fitting, tracks)))
    moved = float(np.median(misses(given, tracks, intersections(fitting, tracks))))
    scale = max(v.camera.width / s.camera.width for v, s in zip(views, small, strict=True))
    cameras = None
    if after <= FIT and moved <= DRAWN_AWAY * before:  # no numbers where nothing was left
        cameras = tuple(
            replace(view.camera, world_from_camera=camera.world_from_camera)
            for view, camera in zip(views, fitting, strict=True)
        )
    return Adjusted(cameras=cameras, before=scale * before, after=scale * after)


def _fixing(cameras: Sequence[Camera], tracks: Tracks) -> Tracks:
    """The points that fix a place."""
    return tracks.only(spread(cameras, tracks)[tracks.points] > LEAST_ANGLE)


def _apart(cameras: Sequence[Camera], tracks: Tracks) -> NDArray[Any]:
    return misses(cameras, tracks, intersections(cameras, tracks))


def _small(view: LoadedView, side: int) -> Camera:
    height, width = view.image.shape[:2]
    shrink = min(1.0, side / max(height, width))
    return scaled(view.camera, round(shrink * width), round(shrink * height))


def _shrunk(view: LoadedView, side: int) -> LoadedView:
    camera = _small(view, side)
    size = camera.width, camera.height
    if size == (view.camera.width, view.camera.height):
        return view
    mask = None
    if view.mask is not None:
        mask = np.asarray(Image.fromarray(view.mask).resize(size, Image.Resampling.BOX))
    return LoadedView(
        name=view.name,
        camera=camera,
        image=np.asarray(Image.fromarray(view.image).resize(size, Image.Resampling.BOX)),
        mask=mask,
    )


def _bundled(cameras: Sequence[Camera], tracks: Tracks) -> list[Camera]:
    """The cameras after a bundle adjustment of what was seen."""
    group = pycolmap.Reconstruction()
    config = pycolmap.BundleAdjustmentConfig()
    rows: list[NDArray[Any]] = [np.flatnonzero(tracks.views == i) for i in range(len(cameras))]
    number = np.zeros(len(tracks.views), dtype=int)
    for index, (camera, mine) in enumerate(zip(cameras, rows, strict=True)):
        number[mine] = np.arange(len(mine))
        group.add_camera_with_trivial_rig(colmap_from_camera(camera, index + 1))
        image = pycolmap.Image(
            name=str(index),
            camera_id=index + 1,
            image_id=index + 1,
            points2D=pycolmap.Point2DList([pycolmap.Point2D(xy) for xy in tracks.places[mine]]),
        )
        pose = pycolmap.Rigid3d(camera.camera_from_world[:3])
        group.add_image_with_trivial_frame(image, pose)
        config.add_image(index + 1)
        if len(mine) < FEWEST:
            config.set_constant_rig_from_world_pose(index + 1)
    order = np.argsort(tracks.points, kind="stable")
    ends = np.cumsum(np.bincount(tracks.points, minlength=tracks.num_points))
    for seen, point in zip(np.split(order, ends[:-1]), intersections(cameras, tracks), strict=True):
        elements = [pycolmap.TrackElement(int(tracks.views[n]) + 1, int(number[n])) for n in seen]
        group.add_point3D(point, pycolmap.Track(elements))
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = options.refine_extra_params = options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = SOFTNESS
    options.ceres.solver_options.max_num_iterations = MOST_STEPS
    options.ceres.solver_options.num_threads = 1  # the same sums, in the same order, every time
    pycolmap.create_default_bundle_adjuster(options, config, group).solve()
    return [
        replace(camera, world_from_camera=_world_from(group.images[i + 1]))
        for i, camera in enumerate(cameras)
    ]


def _world_from(image: Any) -> NDArray[Any]:
    matrix = np.eye(4)
    matrix[:3] = image.cam_from_world().inverse().matrix()
    return matrix


def _laid_over(cameras: Sequence[Camera], given: Sequence[Camera]) -> list[Camera]:
    """The cameras moved as one to where they were given."""
    reach = _reach(given)
    ours, theirs = (np.concatenate([_corners(c, reach) for c in each]) for each in (cameras, given))
    back = pycolmap.estimate_sim3d(ours, theirs)
    if back is None:
        return list(given)
    turn = back.rotation.matrix()
    out = []
    for camera in cameras:
        pose = camera.world_from_camera.copy()
        pose[:3, :3] = turn @ pose[:3, :3]
        pose[:3, 3] = back.scale * turn @ pose[:3, 3] + back.translation
        out.append(replace(camera, world_from_camera=pose))
    return out


def _reach(cameras: Sequence[Camera]) -> float:
    """Metres: about how far the cameras stand from what they look at."""
    centres = np.stack([camera.centre for camera in cameras])
    return float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).mean())


def _corners(camera: Camera, reach: float) -> NDArray[Any]:
    """The camera's centre and a point on each axis (4, 3), which turn with it."""
    pose = camera.world_from_camera
    return np.asarray(pose[:3, 3] + reach * np.vstack([np.zeros(3), pose[:3, :3].T]))
