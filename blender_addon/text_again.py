# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh that was made of words, once more: finer, from another seed, or varied.

All that is needed stands on the object, so it can be done in another file, a year later.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import numpy as np
from bpy.types import Context, Object

from . import method_params, result_import, status, text_start
from .at_cursor import another_seed
from .result_import import GUIDANCE, NEGATIVE, PROMPT, SEED
from .shared.errors import InvalidPrompt
from .shared.params import ParamKind, ParamSpec, Scalar
from .shared.scene import Region
from .shots import Order
from .wishes import Wish

FINER, MILDER = 1.5, 0.5
"""What refining makes of the lattice's steps and of the guidance."""
ASIDE = 2.2
"""Half sizes from one thing to the next beside it."""


def chosen(context: Context) -> Object | None:
    """The active object if it was made of words."""
    thing = result_import.chosen(context)
    return thing if thing is not None and PROMPT in thing else None


def problem(context: Context) -> str:
    """Why nothing can be made once more: a sentence, or nothing."""
    thing = chosen(context)
    if thing is None:
        return "Make a mesh that was made of words the active object."
    method = str(thing.get("lightkiln_method", ""))
    if method not in status.current.writers:
        return f"Connect to a backend with the method {method} first."
    return ""


def unchanged(context: Context) -> str:
    """The same, for what begins from the mesh itself."""
    return problem(context) or text_start.problem(chosen(context))


def refined(context: Context) -> Order:
    """From the mesh, where it stands, on a finer lattice and with less guidance."""
    thing = chosen(context)
    order = _from_mesh(_order(thing), thing)
    return replace(order, params={**order.params, **_finer(thing, order.params)})


def reseeded(context: Context) -> Order:
    """The same words from another seed, beside it."""
    return _aside(replace(_order(chosen(context)), seed=another_seed()))


def varied(context: Context) -> Order:
    """From the mesh, with another seed, beside it."""
    thing = chosen(context)
    return _aside(replace(_from_mesh(_order(thing), thing), seed=another_seed()), keeps=True)


def _order(thing: Object) -> Order:
    """What the object was made by."""
    try:
        params = dict(json.loads(thing.get("lightkiln_params", "{}")))
        finish = dict(json.loads(thing.get("lightkiln_finish", "{}")))
    except (ValueError, TypeError):
        raise InvalidPrompt(
            f"What {thing.name} was made by is damaged.", hint="Type its prompt anew."
        ) from None
    wish = Wish(text=str(thing[PROMPT]), negative=str(thing.get(NEGATIVE, "")))
    return Order(
        order_id=str(uuid.uuid4()),
        title=wish.text,
        method=str(thing["lightkiln_method"]),
        preset=str(thing.get("lightkiln_preset", "standard")),
        params=params,
        shots=(),
        region=text_start.region_of(thing),
        folder=None,
        finish=finish,
        wish=wish,
        seed=int(thing.get(SEED, 0)),
    )


def _from_mesh(order: Order, thing: Object) -> Order:
    mesh, region = text_start.of(thing)
    wish = replace(order.wish, start=mesh, begun_from=thing.name)
    return replace(order, wish=wish, region=region)


def _aside(order: Order, *, keeps: bool = False) -> Order:
    """To the right of where it stands; `keeps`: what was begun from is still wanted to be seen."""
    placed = np.array(order.region.world_from_region, dtype=np.float64)
    placed[0, 3] += ASIDE * np.linalg.norm(placed[:3, 0])
    wish = replace(order.wish, begun_from="") if keeps else order.wish
    region = Region(shape=order.region.shape, world_from_region=placed)
    return replace(order, region=region, wish=wish)


def _finer(thing: Object, params: dict[str, Scalar]) -> dict[str, Scalar]:
    """Values for those of the two that the method has."""
    info = status.current.writers[str(thing["lightkiln_method"])]
    specs = {spec.name: spec for spec in method_params.specs_of(info.name)}
    preset = info.presets.get(str(thing.get("lightkiln_preset", "")), {})
    finer: dict[str, Scalar] = {}
    if (lattice := specs.get("resolution")) is not None:
        now = float(params.get("resolution", preset.get("resolution", lattice.default)))
        finer["resolution"] = _within(lattice, FINER * now)
    if (guidance := specs.get("guidance")) is not None and float(thing.get(GUIDANCE, 0.0)) > 0.0:
        finer["guidance"] = _within(guidance, MILDER * float(thing[GUIDANCE]))
    return finer


def _within(spec: ParamSpec, value: float) -> Scalar:
    """The nearest value that the parameter can have."""
    value = min(value, spec.max if spec.max is not None else value)
    return round(value) if spec.kind is ParamKind.INT else value
