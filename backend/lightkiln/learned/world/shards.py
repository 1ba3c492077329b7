# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset on disk: `dataset.json` and shards of safetensors, each of some things.

Things are split by their number, never by their pictures: of ten, eight are for training, one for
validation, one for the test. A shard is there whole or not at all, so making goes on where it was.
It must not know networks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import UserError
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from .families import FAMILIES
from .samples import Amounts, samples
from .things import VERSION, thing

MANIFEST = "dataset.json"
IN_SHARD = 30
"""Things of a shard."""
LEAST = 20
"""Things; fewer have no three parts of which anything can be said."""


class Split(StrEnum):
    """What a thing is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dataset holds."""

    families: tuple[str, ...]
    count: int
    """Things of each family."""
    amounts: Amounts = field(default_factory=Amounts)
    version: int = VERSION


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


def make(folder: Path, plan: Plan, told: Callable[[int, int], None], workers: int = 0) -> None:
    """Make what is not there yet; told how many shards of how many are done.

    Raises `UserError` if another dataset lies in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_manifest(folder, plan)
    shards = [numbers for numbers in _shards(plan) if not _path(folder, numbers[0]).exists()]
    total = len(_shards(plan))
    told(total - len(shards), total)
    workers = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_make_shard, folder, plan, numbers) for numbers in shards]
        for done, each in enumerate(as_completed(waiting), start=total - len(shards) + 1):
            each.result()
            told(done, total)


def plan_of(folder: Path) -> Plan:
    """What a dataset says of itself; raises `UserError`."""
    path = folder / MANIFEST
    if not path.exists():
        raise UserError(
            f"{folder.name} is no dataset.", hint="Make one: lightkiln dataset make FOLDER."
        )
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        amounts = Amounts(**said.pop("amounts"))
        plan = Plan(**{**said, "families": tuple(said["families"]), "amounts": amounts})
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{MANIFEST} of {folder.name} cannot be read.", hint="Make the dataset again."
        ) from None
    if plan.version != VERSION:
        raise UserError(
            f"{folder.name} shows another version of the world ({plan.version}, not {VERSION}).",
            hint="Make the dataset again in another folder.",
        )
    return plan


def things(folder: Path, split: Split) -> Things:
    """The things of a split; raises `UserError` if some are missing or damaged."""
    plan = plan_of(folder)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in Things.__dataclass_fields__}
    for numbers in _shards(plan):
        kept = [index for index, number in enumerate(numbers) if split_of(number, plan) is split]
        for name, values in _read(_path(folder, numbers[0])).items():
            columns[name].append(values[kept])
        columns["family"].append(np.array([numbers[index] // plan.count for index in kept], int))
    return Things(**{name: np.concatenate(parts) for name, parts in columns.items()})


def split_of(number: int, plan: Plan) -> Split:
    """What the thing of that number in the dataset is for."""
    last = number % plan.count % 10
    return {8: Split.VALIDATION, 9: Split.TEST}.get(last, Split.TRAIN)


def unpacked(bits: NDArray[Any], side: int) -> NDArray[Any]:
    """(n, side³ / 8) uint8 -> (n, side, side, side) bool."""
    return np.unpackbits(bits, axis=-1).astype(bool).reshape(-1, side, side, side)


def world_of(plan: Plan) -> str:
    """What was seen by whom learned from it, for people."""
    return f"{', '.join(f'{name}s' for name in plan.families)} of the procedural world"


def _shards(plan: Plan) -> Sequence[range]:
    total = len(plan.families) * plan.count
    return [range(at, min(at + IN_SHARD, total)) for at in range(0, total, IN_SHARD)]


def _path(folder: Path, first: int) -> Path:
    return folder / f"things-{first:06}.safetensors"


def _make_shard(folder: Path, plan: Plan, numbers: range) -> None:
    each = [
        samples(thing(plan.families[n // plan.count], n % plan.count), plan.amounts)
        for n in numbers
    ]
    arrays = {name: np.stack([one[name] for one in each]) for name in each[0]}
    path = _path(folder, numbers[0])
    beside = path.with_suffix(".part")
    save_file(arrays, beside)
    beside.replace(path)


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


def _check_manifest(folder: Path, plan: Plan) -> None:
    if len(plan.families) * plan.count < LEAST or plan.count < 10:
        raise UserError(
            f"{plan.count} things of {len(plan.families)} families are too few to learn from.",
            hint="Ask for ten of each at least: one of ten is kept for the test.",
        )
    unknown = [name for name in plan.families if name not in FAMILIES]
    if unknown:
        raise UserError(
            f"There is no family {unknown[0]!r}.", hint=f"There are: {', '.join(FAMILIES)}."
        )
    path = folder / MANIFEST
    if path.exists() and plan_of(folder) != plan:
        raise UserError(
            f"{folder.name} holds another dataset.", hint="Give another folder, or the same plan."
        )
    path.write_text(json.dumps(asdict(plan), indent=1), encoding="utf-8")
