# SPDX-License-Identifier: GPL-3.0-or-later
"""Random instances of everything that may travel, made from the types alone."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Annotated, Any, Union

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lightkiln_shared.messages import BY_KIND, Message

SCALARS: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
}


def instances(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as it stands in an annotation."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return arrays(np.float64, args[1], elements=SCALARS[float])
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if a is type(None) else instances(a) for a in args])
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(instances(args[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(instances, args))
    if origin is dict:
        return st.dictionaries(SCALARS[str], instances(args[1]), max_size=3)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        fields = {f.name: instances(hints[f.name]) for f in dataclasses.fields(hint)}
        return st.builds(hint, **fields)
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    return SCALARS[hint]


def messages() -> st.SearchStrategy[Message]:
    """Any message of the protocol."""
    return st.sampled_from(sorted(BY_KIND.values(), key=lambda m: m.kind)).flatmap(instances)
