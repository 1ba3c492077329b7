# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dataset holds: things of the procedural world, or a person's own meshes, and how they are
split.

Things are numbered. Of the procedural world `count` of each family follow each other; of a library
each mesh is followed by its `count` - 1 variants. They are split by what they are, never by their
pictures, and a mesh's variants stay together: of ten, eight are for training, one for validation,
one for the test; of few meshes, all but two are for training. It must not know how things are made.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from lightkiln_shared.errors import UserError

from .families import FAMILIES
from .samples import Amounts
from .things import VERSION

MANIFEST = "dataset.json"
LEAST = 20
"""Things; fewer have no three parts of which anything can be said."""
LEAST_MESHES = 3
"""One for each part."""
FEW_MESHES = 10


class Split(StrEnum):
    """What a thing is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Painter(StrEnum):
    """Who makes the pictures."""

    OWN = "own"
    """Our rasteriser, one lamp beside the camera: a millisecond each."""
    BLENDER = "blender"
    """Cycles, lamps and a sky that differ from picture to picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dataset holds."""

    families: tuple[str, ...]
    count: int
    """Things of each family; of a library, of each mesh, which is the first of them itself."""
    meshes: tuple[str, ...] = ()
    """Of a library: paths in its folder, `family/name.glb`; empty: the procedural world."""
    painter: str = Painter.OWN
    amounts: Amounts = field(default_factory=Amounts)
    version: int = VERSION

    def __len__(self) -> int:
        return self.count * len(self.meshes or self.families)

    def family_of(self, number: int) -> int:
        """Index into `families`."""
        which = number // self.count
        return self.families.index(family_of(self.meshes[which])) if self.meshes else which


def split_of(number: int, plan: Plan) -> Split:
    """What the thing of that number in the dataset is for."""
    which = number // plan.count if plan.meshes else number % plan.count
    total = len(plan.meshes)
    if 0 < total < FEW_MESHES:
        which = 10 - total + which  # the last is for the test, the one before for validation
    return {8: Split.VALIDATION, 9: Split.TEST}.get(which % 10, Split.TRAIN)


def family_of(mesh: str) -> str:
    """A library's folders are its families; what lies in none of them is a thing."""
    return PurePosixPath(mesh).parent.name or "thing"


def of_library(meshes: tuple[str, ...], count: int, amounts: Amounts, painter: str) -> Plan:
    """Of meshes by their paths in a folder; raises `UserError` for too few."""
    if len(meshes) < LEAST_MESHES:
        raise UserError(
            f"{len(meshes)} meshes are too few to learn from.",
            hint=f"Give {LEAST_MESHES} at least: one is kept for validation and one for the test.",
        )
    families = tuple(sorted({family_of(mesh) for mesh in meshes}))
    return Plan(families=families, count=count, meshes=meshes, painter=painter, amounts=amounts)


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
        lists = {name: tuple(said.pop(name, ())) for name in ("families", "meshes")}
        plan = Plan(**{**said, **lists, "amounts": amounts})
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


def keep(plan: Plan, folder: Path) -> None:
    """Write what a folder is to hold.

    Raises `UserError` for a plan of which nothing can be learned, or if the folder holds another.
    """
    if len(plan) < LEAST or (plan.count < 10 and not plan.meshes):
        raise UserError(
            f"{plan.count} things of {len(plan.meshes or plan.families)} kinds are too few to "
            "learn from.",
            hint=f"Ask for {LEAST} at least"
            + ("." if plan.meshes else ", ten of each: one of ten is kept for the test."),
        )
    unknown = [name for name in plan.families if name not in FAMILIES and not plan.meshes]
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


def world_of(plan: Plan) -> str:
    """What was seen by whom learned from it, for people."""
    if plan.meshes:
        return f"{len(plan.meshes)} meshes of one's own: {', '.join(plan.families)}"
    return f"{', '.join(f'{name}s' for name in plan.families)} of the procedural world"
