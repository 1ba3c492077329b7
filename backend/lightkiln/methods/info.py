# SPDX-License-Identifier: GPL-3.0-or-later
"""A method of the registry as others are told of it. It must not know any method."""

from __future__ import annotations

from lightkiln_shared.messages import MethodInfo
from lightkiln_shared.params import specs_of

from .registry import Found

MAX_REASON = 500


def info_of(found: Found) -> MethodInfo:
    """What a panel or a command line shows of it; a broken one has its reason."""
    spec = found.spec
    if spec is None:
        return MethodInfo(
            name=found.name,
            title=found.name,
            summary="",
            needs=(),
            produces="",
            unavailable=found.unavailable[:MAX_REASON],
        )
    return MethodInfo(
        name=spec.name,
        title=spec.title,
        summary=spec.summary,
        needs=tuple(need.value for need in spec.needs),
        produces=spec.produces.value,
        renders_frames=spec.renders_frames,
        wants_masks=spec.wants_masks,
        memory_mb=spec.memory_mb,
        params=specs_of(spec.params),
        presets={name: dict(values) for name, values in spec.presets.items()},
        unavailable=found.unavailable,
    )
