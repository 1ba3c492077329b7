# SPDX-License-Identifier: GPL-3.0-or-later
"""A method's parameters become properties, whatever the method; values survive."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from conftest import module


def _info(**changes: object) -> object:
    spec, kind = module("shared.params").ParamSpec, module("shared.params").ParamKind
    params = (
        spec(name="voxels", kind=kind.INT, default=64, help="Voxels.", min=8, max=512),
        spec(name="share", kind=kind.FLOAT, default=0.1, help="A share.", min=0.1, max=0.9),
        spec(name="fast", kind=kind.BOOL, default=True, help="Hurry."),
        spec(name="mode", kind=kind.STR, default="a", help="Mode.", choices=("a", "b_c")),
        spec(name="note", kind=kind.STR, default="hm", help="Any text.", advanced=True),
    )
    about = {
        "name": "made-up",
        "title": "Made Up",
        "summary": "Nothing.",
        "needs": ("posed_views",),
        "produces": "mesh",
        "params": params,
        "presets": {"draft": {"voxels": 16, "share": 0.3}},
    }
    return module("shared.messages").MethodInfo(**{**about, **changes})


def _values() -> dict[str, object]:
    scene = bpy.context.scene
    return module("method_params").values_over_preset(scene, "made-up", scene.lightkiln.preset)


def test_a_preset_fills_all_and_only_what_differs_is_sent() -> None:
    scene = bpy.context.scene
    module("method_params").install([_info()])
    group = scene.lightkiln_params.made_up
    assert (group.voxels, group.fast, group.mode, group.note) == (64, True, "a", "hm")
    assert _values() == {}
    scene.lightkiln.preset = "draft"
    assert group.voxels == 16
    assert group.share == pytest.approx(0.3)
    assert _values() == {}
    group.share, group.mode = 0.7, "b_c"
    assert _values() == {"share": 0.7, "mode": "b_c"}
    bpy.ops.lightkiln.reset_params()
    assert _values() == {}


def test_a_panel_cannot_leave_the_range() -> None:
    module("method_params").install([_info()])
    group = bpy.context.scene.lightkiln_params.made_up
    group.voxels, group.share = 9999, 2.0
    checked = module("shared.params").checked
    sent = _values()
    assert sent == {"voxels": 512, "share": 0.9}
    for spec in module("method_params").specs_of("made-up"):
        checked(spec, sent.get(spec.name, spec.default))


def test_a_file_is_chosen_from_the_blend_on_and_sent_in_full(tmp_path: Path) -> None:
    spec, kind = module("shared.params").ParamSpec, module("shared.params").ParamKind
    model = spec(name="model", kind=kind.STR, default="", help="A file.", unit="path")
    module("method_params").install([_info(params=(model,), produces="masks")])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group = bpy.context.scene.lightkiln_params.made_up
    assert group.bl_rna.properties["model"].subtype == "FILE_PATH"
    group.model = "//net.onnx"
    sent = module("operators.masks")._params(bpy.context, "made-up")
    assert sent == {"model": str(tmp_path / "net.onnx")}


def test_values_survive_another_backend_a_save_and_a_load(tmp_path: Path) -> None:
    params = module("method_params")
    params.install([_info()])
    bpy.context.scene.lightkiln_params.made_up.voxels = 100
    params.install([_info(title="Newer")])
    assert bpy.context.scene.lightkiln_params.made_up.voxels == 100
    params.uninstall()
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    params.install([_info()])
    assert bpy.context.scene.lightkiln_params.made_up.voxels == 100


def test_parameters_that_blender_cannot_hold_are_left_to_the_backend() -> None:
    spec, kind = module("shared.params").ParamSpec, module("shared.params").ParamKind
    odd = (
        spec(name="name", kind=kind.INT, default=1, help=""),
        spec(name="__init__", kind=kind.INT, default=1, help=""),
        spec(name="bl_rna", kind=kind.INT, default=1, help=""),
        spec(name="wrong", kind=kind.INT, default="text", help=""),
        spec(name="choice", kind=kind.STR, default="c", help="", choices=("a", "b")),
        spec(name="huge", kind=kind.INT, default=2**40, help=""),
    )
    fine = spec(name="fine", kind=kind.INT, default=1, help="")
    presets = {"standard": {"fine": "three"}}
    module("method_params").install(
        [_info(params=(*odd, fine), presets=presets), _info(name="../../etc")]
    )
    assert [s.name for s in module("method_params").specs_of("made-up")] == ["fine"]
    assert module("method_params").specs_of("../../etc") == ()
    assert _values() == {}
