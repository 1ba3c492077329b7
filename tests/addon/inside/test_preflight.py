# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before a run names what is odd: the photograph, the side, the part of the region."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from conftest import module
from pictures import png

NUM = 24


def _texts() -> list[str]:
    return [finding.text for finding in module("status").current.preflight.findings]


def test_each_finding_names_the_photograph_or_the_side(
    tmp_path: Path, add_camera: Callable[..., bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    status = module("status").current
    turns = np.linspace(0.0, 2.0 * np.pi, NUM, endpoint=False) + 0.01
    for index, turn in enumerate(turns):
        image = png(tmp_path / f"{index:02}.png", grey=index)
        add_camera(f"{index:02}", (4.0 * np.cos(turn), 4.0 * np.sin(turn), 1.0), (0, 0, 0), image)
    bpy.ops.lightkiln.add_region(shape="BOX")
    bpy.context.scene.lightkiln.region.matrix_world = np.diag([0.5, 0.5, 0.5, 1.0])
    bpy.context.view_layer.update()

    def checked() -> list[str]:
        assert bpy.ops.lightkiln.preflight() == {"FINISHED"}
        pump_until(lambda: not status.is_checking)
        return _texts()

    assert checked() == []
    png(tmp_path / "03.png", grey=4)
    png(tmp_path / "07.png", width=80, grey=7)
    (tmp_path / "11.png").unlink()
    bpy.data.objects["15"].rotation_euler.x += np.pi
    bpy.context.view_layer.update()
    found = checked()
    assert len(found) == 4, found
    assert "11.png" in found[0]
    assert found[1] == "The same photograph for several cameras: 03.png, 04.png."
    assert found[2] == "Not 64 x 48 pixels like the others: 07.png."
    assert found[3] == "Does not see the region: 15.png."
    for index, turn in enumerate(turns):
        bpy.data.objects[f"{index:02}"].select_set(bool(np.sin(turn) > 0.0) and index != 11)
    assert "twenty or more" in checked()[0]
    assert _texts()[-1] == "No camera looks from the front: that side stays a guess."
