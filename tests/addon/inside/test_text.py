# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in the panel to a mesh at the 3D cursor, against a real backend."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import png

PROMPT = "a red torus on a blue cube"


@pytest.fixture
def text(pump_until: Callable[..., None]) -> bpy.types.PropertyGroup:
    """The settings, a backend that has methods for words, and what shall be made."""
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.writers)
    settings = bpy.context.scene.lightkiln.text
    settings.method, settings.prompt = "paced-words", PROMPT
    return settings


def _job() -> object:
    return module("status").current.job


def _made(pump_until: Callable[..., None]) -> bpy.types.Object:
    pump_until(lambda: _job().imported)
    return bpy.data.objects[_job().imported_as]


def _corners(thing: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    return np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])


def _reason(operator: object, **options: object) -> str:
    with pytest.raises(RuntimeError) as caught:
        operator(**options)
    return str(caught.value)


def test_words_become_a_mesh_at_the_cursor_in_one_undo_step(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    text.size, text.negative, text.seed = 0.5, "legs", 7
    text.picture = str(png(tmp_path / "beside.png", 40, 30))
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.lightkiln.generate() == {"FINISHED"}
    assert not bpy.ops.lightkiln.generate.poll()
    seen: dict[str, object] = {}

    def is_imported() -> bool:
        seen["coarse"] = seen.get("coarse") or "Lightkiln Preview" in bpy.data.objects
        return _job().imported

    pump_until(is_imported)
    assert seen["coarse"]
    assert _job().warnings == [f"{PROMPT}; not legs; seed 7, a picture of 40 px."]
    (made,) = bpy.data.collections["Lightkiln"].objects
    assert made.name == PROMPT
    np.testing.assert_allclose(made.matrix_world.translation, (1.0, 2.0, 3.0), atol=1e-6)
    np.testing.assert_allclose(np.ptp(_corners(made), axis=0), 0.5, atol=1e-5)
    assert made.data.color_attributes.active_color is not None
    assert len(made.data.materials) == 1
    assert (made["lightkiln_prompt"], made["lightkiln_seed"]) == (PROMPT, 7)
    assert "GPL" in made["lightkiln_licence"]
    bpy.ops.ed.undo()
    assert "Lightkiln" not in bpy.data.collections
    bpy.ops.ed.redo()
    assert len(bpy.data.collections["Lightkiln"].objects) == 1


def test_candidates_are_shown_and_a_picked_one_gives_its_seed(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    text.seed = 3
    assert bpy.ops.lightkiln.candidates() == {"FINISHED"}
    pump_until(lambda: module("status").current.drawn)
    drawn = module("status").current.drawn
    assert [each.seed for each in drawn.candidates] == [3, 4, 5, 6]
    assert all(each.path.read_bytes().startswith(b"\x89PNG") for each in drawn.candidates)
    assert drawn.said.text == PROMPT
    assert "Lightkiln" not in bpy.data.collections
    assert bpy.ops.lightkiln.pick_candidate(seed=5) == {"FINISHED"}
    assert text.seed == 5
    bpy.ops.lightkiln.generate()
    assert _made(pump_until)["lightkiln_seed"] == 5
    assert module("status").current.drawn is drawn, "they stay while the mesh is made"


def test_a_mesh_is_begun_from_where_it_stands_with_its_colours(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    text.from_active = True
    assert "active object" in _reason(bpy.ops.lightkiln.generate)
    bpy.ops.mesh.primitive_cube_add(size=2.0, location=(5.0, 0.0, 0.0))
    cube = bpy.context.object
    cube.scale = (1.0, 2.0, 0.5)
    bpy.context.view_layer.update()
    colors = cube.data.color_attributes.new("Color", "FLOAT_COLOR", "POINT")
    colors.data.foreach_set("color", np.tile([0.0, 0.5, 1.0, 1.0], 8).astype("f4"))
    before = _corners(cube)
    assert bpy.ops.lightkiln.generate() == {"FINISHED"}
    made = _made(pump_until)
    after = _corners(made)
    np.testing.assert_allclose(sorted(map(tuple, after)), sorted(map(tuple, before)), atol=1e-5)
    shown = np.array(made.data.color_attributes.active_color.data[0].color)
    np.testing.assert_allclose(shown, (0.0, 0.5, 1.0, 1.0), atol=0.01)
    assert cube.hide_get()


def test_a_mesh_is_refined_in_place_and_varied_and_seeded_beside_it(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    assert "made of words" in _reason(bpy.ops.lightkiln.generate_again, way="REFINE")
    bpy.ops.lightkiln.generate()
    first = _made(pump_until)
    first["lightkiln_guidance"] = 8.0
    first.location.z += 4.0
    bpy.context.view_layer.update()
    bpy.ops.lightkiln.generate_again(way="REFINE")
    refined = _made(pump_until)
    assert json.loads(refined["lightkiln_params"])["resolution"] == 40, "48, and 40 is the most"
    assert json.loads(refined["lightkiln_params"])["guidance"] == 4.0
    np.testing.assert_allclose(_corners(refined).mean(axis=0), (0.0, 0.0, 4.0), atol=1e-4)
    np.testing.assert_allclose(np.ptp(_corners(refined), axis=0), 2.0, atol=1e-4)
    assert first.hide_get()
    for way in ("SEED", "VARY"):
        bpy.ops.lightkiln.generate_again(way=way)
        made = _made(pump_until)
        assert made["lightkiln_seed"] != refined["lightkiln_seed"]
        assert made["lightkiln_prompt"] == PROMPT
    np.testing.assert_allclose(_corners(made).mean(axis=0), (4.4, 0.0, 4.0), atol=1e-4)
    assert not refined.hide_get()


def test_a_texture_is_packed_into_the_file(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    text.color = "TEXTURE"
    bpy.ops.lightkiln.generate()
    made = _made(pump_until)
    images = [n.image for n in made.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE"]
    assert [image.packed_file is not None for image in images] == [True]
    assert len(made.data.uv_layers) == 1


def test_an_earlier_prompt_is_taken_up_with_its_seed(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    status = module("status").current
    long = PROMPT + " and nothing else at all" * 12  # longer than the title of a job
    text.seed, text.prior, text.model = 11, "EMBEDDED", "x"
    text.prompt, text.negative = long, "a green cone"
    bpy.ops.lightkiln.generate()
    made = _made(pump_until)
    job_id = made["lightkiln_job"]
    text.prompt, text.negative, text.seed, text.prior = "something else", "", 0, "MODEL"
    pump_until(lambda: job_id in status.listed)
    assert status.listed[job_id].title == long[:200]
    bpy.ops.lightkiln.take_prompt(job_id=job_id)
    pump_until(lambda: text.prompt == long)
    assert (text.negative, text.seed, text.prior) == ("a green cone", 11, "EMBEDDED")
    assert bpy.context.scene.lightkiln.method == "kiln", "photographs keep their own method"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"prompt": " "}, "prompt is empty"),
        ({"prompt": "chair " * 150}, "150 words; at most 100"),
        ({"negative": "a\x01"}, "characters that are no text"),
        ({"prior": "FOLDER"}, "Choose the model's folder"),
        ({"prior": "MODEL"}, "Type the model's id"),
        ({"method": "magic"}, "no method magic"),
    ],
)
def test_what_cannot_be_asked_for_is_greyed_with_its_reason(
    text: bpy.types.PropertyGroup, settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        setattr(text, name, value)
    assert says in _reason(bpy.ops.lightkiln.generate)
    assert bpy.ops.lightkiln.roll_seed() == {"FINISHED"}


def test_without_a_backend_or_with_an_old_one_the_buttons_say_so(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    status = module("status").current
    status.writers.clear()
    status.sketchers.clear()
    assert "update Lightkiln there" in _reason(bpy.ops.lightkiln.generate)
    assert "update Lightkiln there" in _reason(bpy.ops.lightkiln.candidates)
    bpy.ops.lightkiln.disconnect()
    assert "Connect first" in _reason(bpy.ops.lightkiln.generate)


@pytest.mark.parametrize("name", ["missing.png", "damaged.png"])
def test_a_picture_that_cannot_be_read_is_said_before_anything_is_queued(
    text: bpy.types.PropertyGroup, pump_until: Callable[..., None], tmp_path: Path, name: str
) -> None:
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG and no more")
    text.picture = str(tmp_path / name)
    bpy.ops.lightkiln.generate()
    pump_until(lambda: _job().state == "failed", may_fail=True)
    assert name in _job().reason
    assert "leave the picture out" in _job().reason
    assert _job().job_id == ""


def test_a_large_mesh_is_read_within_a_tick_and_a_larger_one_is_refused(
    text: bpy.types.PropertyGroup,
) -> None:
    text.from_active = True
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=220, y_subdivisions=220)
    grid = bpy.context.object
    start = module("text_start")
    seconds = []
    for _ in range(20):  # the quickest: what others do on this machine is not ours
        begun = time.thread_time()
        mesh, _ = start.of(grid)
        seconds.append(time.thread_time() - begun)
    assert min(seconds) < 0.010
    assert len(mesh.triangles) > 95_000
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=400, y_subdivisions=400)
    assert "decimate it first" in _reason(bpy.ops.lightkiln.generate)


def test_what_a_hostile_backend_says_of_words_is_not_believed() -> None:
    said, candidates = module("said"), module("candidates")
    malformed = module("shared.errors").MalformedMessage
    for data in (b"", b"[]", b"[" * 100_000, b'{"seed": "x"}', b'{"guidance": []}'):
        with pytest.raises(malformed):
            said.read(data)
    assert said.read(b'{"text": 3, "seed": -1, "guidance": Infinity}').guidance == 0.0
    for data in (b"{}", b'[{"seed": 1}]', b'[{"seed": 1, "picture": "../x.png"}]'):
        with pytest.raises(malformed):
            candidates._read(data)
