# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene must hold for a method, by what the method needs. It must not know files."""

from __future__ import annotations

from collections.abc import Callable

from lightkiln_shared.checks import (
    check_photos,
    check_picture,
    check_pictures,
    check_prompt,
    check_region,
    check_scene,
    check_sources,
)
from lightkiln_shared.scene import Scene

from lightkiln.methods.spec import Need

_CHECKS: dict[Need, Callable[[Scene], None]] = {
    Need.POSED_VIEWS: check_scene,
    Need.UNPOSED_PHOTOS: check_photos,
    Need.TEXT: check_prompt,
    Need.ONE_IMAGE: check_picture,
    Need.FEW_IMAGES: check_pictures,
    Need.POINTS: check_sources,
    Need.VOLUME: check_sources,
    Need.MESH: check_sources,
    Need.MESHES: check_sources,
}


def check_what_is_given(scene: Scene, needs: tuple[Need, ...]) -> None:
    """Raise `InvalidScene` or `InvalidPrompt` unless a method with these needs can begin."""
    for need in needs:
        _CHECKS[need](scene)
    if not needs and scene.region is not None:
        check_region(scene.region)
