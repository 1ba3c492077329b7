# SPDX-License-Identifier: GPL-3.0-or-later
"""Posed views in, depth maps and a first signed distance out: the service that methods start from.

It must not know which method calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.capture.inputs import Inputs
from lightkiln.ops.bricks import BrickGrid
from lightkiln.ops.kernels.stereo_torch import TorchKernels
from lightkiln.ops.picture import RenderedImage

from . import consistency, depth_maps, fusion, hull, lattice, silhouettes, sources, surface
from .depth_maps import DepthMap, Enclosure, Matcher, NumbaKernels
from .glimpse import glimpse
from .views import GreyView, halved, prepare, resized

SHARES = {"hull": 0.1, "depth maps": 0.75, "fusion": 0.15}
"""Parts of the time, as measured on 48 views of 400 x 400."""
PREVIEW_FACES = 30_000
GLANCE_RESOLUTION, GLANCE_PLANES, GLANCE_ROUNDS = 128, 24, 1
"""Voxels along the region's longest side, depths that are tried and rounds of their variation, for
a first look: outlines that are cut about it are as exact as after three times the work."""


@runtime_checkable
class Progress(Protocol):
    """What stereo asks of a run: `methods.spec.Run` offers it."""

    seed: int
    device: str

    def phase(self, name: str, share: float) -> AbstractContextManager[None]: ...

    def steps(self, count: int) -> Iterator[int]: ...

    def warn(self, text: str) -> None: ...

    def preview(self, render: Callable[[Camera], RenderedImage | None]) -> None: ...

    def preview_mesh(self, make: Callable[[], TriangleMesh | None]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StereoSettings:
    """How fine and how long."""

    resolution: int = 224
    """Voxels along the enclosure's longest side."""
    max_side: int = 480
    """Larger images are shrunk to so many pixels."""
    stride: int = 2
    """A depth for every so many pixels of those."""
    num_planes: int = 48
    num_sources: int = 4
    rounds: int = 2
    """Of propagation and random variation."""
    num_neighbours: int = 8
    """Views that may confirm a depth."""
    least_views: int = 2
    """Views that must."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StereoResult:
    """A first surface."""

    grid: BrickGrid
    """Channel 0: signed distance, metres, negative inside; channel 1: confidence in [0, 1]."""
    depths: tuple[DepthMap, ...]
    """One for each view, in their order; all unknown for views that were not reached."""
    hull: Enclosure | None
    """The visual hull, if there are masks or silhouettes could be found."""


def estimate(
    inputs: Inputs, settings: StereoSettings, run: Progress, share: float = 1.0
) -> StereoResult:
    """Hull, depth maps, fusion, within `share` of the run's time.

    Raises `InvalidScene` for fewer than two views, `NothingReconstructed` if the hull is empty.
    """
    if len(inputs.views) < 2:
        raise InvalidScene(
            "Stereo needs at least two views.", hint="Select more cameras that see the object."
        )
    views = [prepare(view, settings.max_side) for view in inputs.views]
    with run.phase("hull", share * SHARES["hull"]):
        if not inputs.has_masks:
            views = _outlined(inputs, views, settings, run)
        enclosure = enclose(views, inputs.region, settings.resolution)
        solid = enclosure if _have_masks(views) else None
    if solid is not None:
        run.preview(lambda camera: glimpse(solid, inputs.views, camera))
        run.preview_mesh(lambda: surface.bare(fusion.stored(solid), PREVIEW_FACES))
    with run.phase("depth maps", share * SHARES["depth maps"]):
        depths = see(views, enclosure, settings, run)
    with run.phase("fusion", share * SHARES["fusion"]):
        grid = fusion.fuse(depths, enclosure, None if solid is None else solid.distance)
    return StereoResult(grid=grid, depths=tuple(depths), hull=solid)


def enclose(views: Sequence[GreyView], region: Region, resolution: int) -> Enclosure:
    """The visual hull, or the region itself where a view has no mask."""
    if _have_masks(views):
        place, distance = hull.enclose(views, region, resolution)
        return Enclosure(lattice=place, distance=distance)
    place = lattice.around(*lattice.bounds(region), resolution, hull.MARGIN)
    return Enclosure(lattice=place, distance=lattice.region_distance(region, place))


def _have_masks(views: Sequence[GreyView]) -> bool:
    return all(view.mask is not None for view in views)


def _outlined(
    inputs: Inputs, views: list[GreyView], settings: StereoSettings, run: Progress
) -> list[GreyView]:
    """The views with masks that are found, or as they are where none can be believed."""
    cut = silhouettes.found(inputs.views, inputs.region)
    if cut is None:
        return views
    first, depths = _glanced(inputs, views, cut, settings, run)
    seen = [depth_map.confidence > 0.0 for depth_map in depths]
    sharp = silhouettes.sharpened(inputs.views, first, seen)
    return [_masked(view, found) for view, found in zip(views, sharp, strict=True)]


def _glanced(
    inputs: Inputs,
    views: Sequence[GreyView],
    cut: Sequence[GreyView],
    settings: StereoSettings,
    run: Progress,
) -> tuple[Enclosure, list[DepthMap]]:
    """What stereo sees at half the pixels, the hull of the cuts where it sees nothing; and what
    each view sees of it."""
    glance = replace(settings, num_planes=GLANCE_PLANES, rounds=GLANCE_ROUNDS)
    region = enclose(views, inputs.region, GLANCE_RESOLUTION)
    depths = see([halved(view) for view in views], region, glance, run)
    believed = hull.within(cut, inputs.region, region.lattice)
    return fusion.agreed(depths, region, believed)[0], depths


def _masked(view: GreyView, found: GreyView) -> GreyView:
    assert found.mask is not None  # silhouettes give each view one
    height, width = view.grey.shape
    return replace(view, mask=resized(found.mask, width, height))


def see(
    views: Sequence[GreyView], enclosure: Enclosure, settings: StereoSettings, run: Progress
) -> list[DepthMap]:
    """A depth map for each view, of what other views confirm."""
    centre = middle(enclosure)
    chosen = sources.choose(views, centre, settings.num_sources)
    if not any(chosen):
        run.warn(
            "No two cameras look at the region from 1.5 to 60 degrees apart: no depth is seen."
        )
    coarse = [halved(view) for view in views]
    maps = [depth_maps.unknown(view.camera, settings.stride) for view in views]
    matcher = Matcher(
        kernels=TorchKernels("cuda") if run.device == "cuda" else NumbaKernels(),
        num_planes=settings.num_planes,
        rounds=settings.rounds,
        random=np.random.default_rng(run.seed),
    )
    for view in run.steps(len(views)):
        if chosen[view]:
            start = depth_maps.sweep(
                matcher, sources.bundle(coarse, view, chosen[view]), coarse[view], enclosure
            )
            fine = sources.bundle(views, view, chosen[view], settings.stride)
            maps[view] = depth_maps.refine(matcher, fine, maps[view].camera, start)
    neighbours = sources.choose(views, centre, settings.num_neighbours)
    return consistency.confirmed(maps, neighbours, settings.least_views)


def middle(enclosure: Enclosure) -> NDArray[Any]:
    """The centre of mass (3,) of an enclosure, metres."""
    inside = np.argwhere(enclosure.distance < 0.0)
    place = enclosure.lattice
    return np.asarray(place.origin + place.voxel * inside.mean(axis=0))
