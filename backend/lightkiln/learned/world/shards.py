# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset on disk: `dataset.json` and shards of safetensors, each of some things.

A shard is there whole or not at all, so making goes on where it was. It must not know networks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import UserError
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from . import blender
from .library import own_thing
from .plan import Painter, Plan, Split, family_of, keep, plan_of, split_of
from .samples import Solid, samples, shape_of
from .things import thing

IN_SHARD = 30
"""Things of a shard."""


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """The things of a split, all in memory."""

    views: NDArray[Any]
    """(n, views, pixels, pixels, 4) uint8, sRGB with straight alpha."""
    angles: NDArray[Any]
    """(n, views, 2) float32: azimuth and elevation, radians; `samples.camera_of`."""
    voxels32: NDArray[Any]
    """(n, 4096) uint8, packed; `unpacked`."""
    voxels64: NDArray[Any]
    """(n, 32768) uint8, packed."""
    places: NDArray[Any]
    """(n, places, 3) float32 in the cube."""
    distances: NDArray[Any]
    """(n, places) float32, negative inside."""
    surface: NDArray[Any]
    """(n, surface, 3) float32."""
    normals: NDArray[Any]
    """(n, surface, 3) float32, outwards."""
    colors: NDArray[Any]
    """(n, surface, 3) uint8, sRGB."""
    family: NDArray[Any]
    """(n,) int64: index into `plan.families`."""

    def __len__(self) -> int:
        return len(self.family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where things come from, on this machine."""

    meshes: Path | None = None
    """The folder of a library's."""
    blender: str = ""
    """The program, or the Python with a `bpy` module, where Blender makes the pictures."""


def make(
    folder: Path,
    plan: Plan,
    told: Callable[[int, int], None],
    workers: int = 0,
    source: Source | None = None,
) -> None:
    """Make what is not there yet; told how many shards of how many are done.

    Raises `UserError` if another dataset lies in the folder, for a mesh that cannot be used, or if
    Blender fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keep(plan, folder)
    shards = [numbers for numbers in _shards(plan) if not _path(folder, numbers[0]).exists()]
    total = len(_shards(plan))
    told(total - len(shards), total)
    workers = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [
            pool.submit(_make_shard, folder, plan, numbers, source or Source())
            for numbers in shards
        ]
        try:
            for done, each in enumerate(as_completed(waiting), start=total - len(shards) + 1):
                each.result()
                told(done, total)
        finally:  # what waits is not made before a reason is told
            pool.shutdown(cancel_futures=True)


def things(folder: Path, split: Split) -> Things:
    """The things of a split; raises `UserError` if some are missing or damaged."""
    plan = plan_of(folder)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in Things.__dataclass_fields__}
    for numbers in _shards(plan):
        kept = [index for index, number in enumerate(numbers) if split_of(number, plan) is split]
        for name, values in _read(_path(folder, numbers[0])).items():
            columns[name].append(values[kept])
        families = [plan.family_of(numbers[index]) for index in kept]
        columns["family"].append(np.array(families, int))
    return Things(**{name: np.concatenate(parts) for name, parts in columns.items()})


def unpacked(bits: NDArray[Any], side: int) -> NDArray[Any]:
    """(n, side³ / 8) uint8 -> (n, side, side, side) bool."""
    return np.unpackbits(bits, axis=-1).astype(bool).reshape(-1, side, side, side)


def _shards(plan: Plan) -> Sequence[range]:
    total = len(plan)
    return [range(at, min(at + IN_SHARD, total)) for at in range(0, total, IN_SHARD)]


def _path(folder: Path, first: int) -> Path:
    return folder / f"things-{first:06}.safetensors"


def _make_shard(folder: Path, plan: Plan, numbers: range, source: Source) -> None:
    made = [_thing(plan, number, source) for number in numbers]
    if plan.painter == Painter.BLENDER:
        each = [shape_of(one, plan.amounts) for one in made]
        angles = np.stack([one["angles"] for one in each])
        painted = blender.pictures(made, angles, plan.amounts.pixels, source.blender)
        each = [{**one, "views": views} for one, views in zip(each, painted, strict=True)]
    else:
        each = [samples(one, plan.amounts) for one in made]
    arrays = {name: np.stack([one[name] for one in each]) for name in each[0]}
    path = _path(folder, numbers[0])
    beside = path.with_suffix(".part")
    save_file(arrays, beside)
    beside.replace(path)


def _thing(plan: Plan, number: int, source: Source) -> Solid:
    which, index = divmod(number, plan.count)
    if not plan.meshes:
        return thing(plan.families[which], index)
    assert source.meshes is not None
    mesh = plan.meshes[which]
    return own_thing(source.meshes / mesh, family_of(mesh), which, index)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError(
            f"{path.name} is missing: the dataset is not whole.",
            hint="Make it again in the same folder: what is there is kept.",
        ) from None
    except (SafetensorError, OSError):
        raise UserError(
            f"{path.name} is damaged.", hint="Delete it and make the dataset again: it goes on."
        ) from None
