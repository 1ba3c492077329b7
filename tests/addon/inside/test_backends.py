# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends on other computers: real boxes, paired with, lost, found again, refused, forgotten."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from box import Box
from conftest import module
from pictures import png

AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    running = Box(tmp_path_factory.mktemp("box") / "data")
    running.start("--announce")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """No backend is known before; afterwards the one of this computer is in use again."""
    yield
    backends, places = module("backends"), module("places")
    for backend in list(places.known().backends.values()):
        backends.forget(backend.server_id)
    bpy.context.preferences.system.use_online_access = False


def _status() -> Any:
    return module("status").current


def _choose(key: str) -> None:
    module("inbox").pump()
    manager = bpy.context.window_manager
    keys = [line.name for line in manager.lightkiln_backends]
    manager.lightkiln_backend_index = keys.index(key)


def _type(code: str, address: str = "") -> None:
    manager = bpy.context.window_manager
    manager.lightkiln_code = code
    manager.lightkiln_address = address  # of a whole string the code goes to the other field


def _pair(box: Box, pump_until: Callable[..., None]) -> None:
    with box.showing() as (code, _):
        _choose("other")
        _type(code.lower().replace("-", " "), f"https://localhost:{box.port}/")
        assert bpy.ops.lightkiln.pair() == {"FINISHED"}
        pump_until(lambda: not _status().is_pairing)
    assert _status().pairing == ""
    pump_until(lambda: _status().link == "online")


@pytest.fixture
def cameras(tmp_path: Path, add_camera: Callable[..., bpy.types.Object]) -> None:
    for index, position in enumerate(AROUND):
        add_camera(f"{index}", position, (1.0, 2.0, 3.0), png(tmp_path / f"{index}.png"))
    settings = bpy.context.scene.lightkiln
    settings.method, settings.preset, settings.finish.color = "paced", "standard", "VERTICES"


def test_a_code_lets_a_box_make_the_mesh_and_no_secret_is_left_anywhere(
    box: Box, cameras: None, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    places = module("places")
    with box.showing() as (code, string):
        _choose("other")
        assert not bpy.ops.lightkiln.pair.poll()
        _type("", string)
        manager = bpy.context.window_manager
        assert manager.lightkiln_address == f"localhost:{box.port}", "a string's code is no address"
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "typed.blend"), compress=False)
        bpy.ops.lightkiln.pair()
        assert manager.lightkiln_code == ""
        pump_until(lambda: not _status().is_pairing)
    pump_until(lambda: _status().load is not None)
    assert _status().pairing == ""
    assert places.name_of(places.chosen()) == _status().welcome.name == "attic"
    (device,) = _status().load.devices
    assert 0 < device.free_mb <= device.device.memory_mb
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _status().job.imported)
    (result,) = bpy.data.collections["Lightkiln"].objects
    assert (box.data / "jobs" / result["lightkiln_job"]).is_dir(), "it was made there"

    kept = module("places")._path()
    assert kept.stat().st_mode & 0o077 == 0
    token = places.backend_at(places.chosen()).token
    assert token.encode() in kept.read_bytes()
    _is_nowhere((token, code, code.replace("-", ""), string), kept, tmp_path)


def _is_nowhere(secrets: tuple[str, ...], but: Path, folder: Path) -> None:
    """In no file that this Blender wrote, and in nothing that others can see of it."""
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"), compress=False)
    bpy.ops.wm.save_userpref()
    bpy.ops.lightkiln.copy_diagnostics()
    seen = [bpy.context.window_manager.clipboard.encode(), *map(str.encode, sys.argv)]
    seen += [os.fsencode(f"{name}={value}") for name, value in os.environ.items()]
    seen += [repr(_status()).encode(), repr(module("places").known()).encode()]
    wrote = (folder, Path(os.environ["BLENDER_USER_RESOURCES"]))
    files = [path for each in wrote for path in each.rglob("*") if path.is_file() and path != but]
    assert any(path.name == "userpref.blend" for path in files)
    assert any(path.name == "typed.blend" for path in files)
    seen += [path.read_bytes() for path in files]
    assert not [s for s in secrets for text in seen if s.encode() in text]


def test_a_lost_box_is_found_again_and_the_job_with_it(
    box: Box, cameras: None, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    """It falls in the middle, another file is opened meanwhile, and the first one again."""
    _pair(box, pump_until)
    bpy.context.scene.lightkiln.preset = "high"
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _status().job.progress and _status().job.progress.step > 2)
    file = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    job_id = _status().job.job_id
    box.stop(signal.SIGKILL)
    pump_until(lambda: _status().link == "reconnecting", seconds=5.0)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert _status().job is None
    box.start()
    bpy.ops.wm.open_mainfile(filepath=file)
    assert (_status().job.job_id, _status().job.place) == (job_id, module("places").chosen())
    pump_until(lambda: _status().job.state == "running")
    bpy.ops.lightkiln.finish()
    pump_until(lambda: _status().job.imported)
    assert bpy.data.collections["Lightkiln"].objects[0]["lightkiln_job"] == job_id


def test_a_file_finds_its_job_at_the_box_that_has_it(
    box: Box, cameras: None, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    _pair(box, pump_until)
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _status().job.state == "running")
    file, job_id, place = str(tmp_path / "a.blend"), _status().job.job_id, module("places").chosen()
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.lightkiln.use_backend(key="here")
    assert _status().job is None
    pump_until(lambda: _status().link == "online")
    assert _status().welcome.server_id != place
    bpy.ops.wm.open_mainfile(filepath=file)
    assert (_status().job.job_id, module("places").chosen()) == (job_id, place)
    pump_until(lambda: _status().job.imported)

    module("backends").forget(place)
    bpy.context.scene.lightkiln.imported_job_id = ""
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=file)
    assert _status().problem == "This file's job is at a backend that is not paired with here."


def test_another_certificate_at_the_address_is_told_nothing(
    box: Box, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    _pair(box, pump_until)
    bpy.ops.lightkiln.disconnect()
    box.stop()
    other = Box(tmp_path / "data", port=box.port)
    other.start()
    bpy.ops.lightkiln.connect()
    pump_until(lambda: _status().link == "failed")
    assert "has another certificate than the backend it should be" in _status().link_error
    _choose(module("places").chosen())
    with other.showing() as (code, string):
        _type(code)
        bpy.ops.lightkiln.pair()
        pump_until(lambda: not _status().is_pairing)
        assert "has another certificate" in _status().pairing, "a code does not mend that"
        _type(string)
        with pytest.raises(RuntimeError, match="of another backend"):
            bpy.ops.lightkiln.pair()
    assert (tmp_path / "box.log").read_text().count("paired with") == 0
    other.stop()
    box.start()


def test_mistakes_each_have_a_sentence(box: Box, pump_until: Callable[..., None]) -> None:
    def said(code: str, address: str) -> str:
        _choose("other")
        _type(code, address)
        try:
            bpy.ops.lightkiln.pair()
        except RuntimeError as error:
            return str(error)
        pump_until(lambda: not _status().is_pairing)
        return _status().pairing

    here = f"localhost:{box.port}"
    assert "letters and digits, like 7K3M-9QXT" in said("7K3M", here)
    assert "now type the code" in said("", here)
    assert "shows no pairing code now" in said("7K3M-9QXT", here)
    assert "Nothing listens at 127.0.0.1:1" in said("7K3M-9QXT", "127.0.0.1:1")
    assert "is no IPv4 address" in said("7K3M-9QXT", "300.1.2.3")
    assert "is not whole" in said(f"lightkiln://{here}/12345/7K3M-9QXT", "")
    with box.showing() as (code, _):
        assert "code" in said("0" * 8 if code[0] != "0" else "1" * 8, here)
    assert module("places").known().backends == {}


def test_a_known_backend_is_found_at_another_address_without_a_code(
    box: Box, pump_until: Callable[..., None]
) -> None:
    _pair(box, pump_until)
    bpy.ops.lightkiln.disconnect()
    _choose("other")
    _type("", f"127.0.0.1:{box.port}")
    bpy.ops.lightkiln.pair()
    pump_until(lambda: _status().link == "online")
    (backend,) = module("places").known().backends.values()
    assert backend.address.host == "127.0.0.1"


def test_an_announced_box_is_found_paired_and_gone_with_its_goodbye(
    pump_until: Callable[..., None], tmp_path: Path
) -> None:
    if not module("shared.discovery").own_hosts():
        pytest.skip("this machine is in no network")
    other = Box(tmp_path / "data", name="garage")
    other.start("--announce")
    bpy.context.preferences.system.use_online_access = True
    backends = module("backends")
    bpy.ops.lightkiln.search_backends()
    assert backends.is_searching()
    labels = lambda: {line.label for line in backends._state.lines.values()}  # noqa: E731
    pump_until(lambda: "garage" in labels(), seconds=20.0)
    assert _status().link == "off", "nothing is connected to by itself"
    _choose(_listed("garage"))
    with other.showing() as (code, _):
        _type(code)
        bpy.ops.lightkiln.pair()
        pump_until(lambda: not _status().is_pairing)
    assert _status().pairing == ""
    pump_until(lambda: _status().link == "online")
    place = module("places").chosen()
    assert not module("places").backend_at(place).address.is_loopback
    backends.forget(place)
    pump_until(lambda: backends.line(place) is None)
    assert "garage" in labels(), "it is announced still"
    other.stop()
    pump_until(lambda: "garage" not in labels(), seconds=10.0)
    bpy.ops.lightkiln.search_backends()
    pump_until(lambda: not backends.is_searching(), seconds=10.0)


def test_what_is_not_this_computer_needs_blenders_online_access(
    box: Box, pump_until: Callable[..., None]
) -> None:
    host = module("shared.address").Address("192.0.2.7", box.port)
    _choose("other")
    _type("7K3M-9QXT", str(host))
    with pytest.raises(RuntimeError, match="online access is off: allow it under Preferences"):
        bpy.ops.lightkiln.pair()
    assert not bpy.ops.lightkiln.search_backends.poll()
    known, places = module("shared.known"), module("places")
    away = known.Backend(address=host, fingerprint="ab" * 32, token="t" * 43)
    places.remember("away", away)
    with pytest.raises(RuntimeError, match="online access is off"):
        bpy.ops.lightkiln.use_backend(key=_listed("away"))
    with pytest.raises(RuntimeError, match="online access is off"):
        bpy.ops.lightkiln.connect()
    assert "online access is off" in _status().link_error
    bpy.context.preferences.system.use_online_access = True
    assert bpy.ops.lightkiln.search_backends.poll()
    bpy.ops.lightkiln.connect()
    pump_until(lambda: _status().link in ("connecting", "reconnecting"))
    bpy.context.preferences.system.use_online_access = False
    pump_until(lambda: _status().link == "failed", seconds=2.0)
    assert "online access is off" in _status().link_error


def _listed(name: str) -> str:
    module("inbox").pump()
    backends = module("backends")
    keys = [line.name for line in bpy.context.window_manager.lightkiln_backends]
    return next(key for key in keys if backends.line(key).label == name)


def test_a_damaged_list_is_told_and_this_computer_still_works() -> None:
    places = module("places")
    places._path().write_text("{")
    places.forget_read()
    module("inbox").pump()
    assert "list of paired backends is damaged" in _status().problem
    assert places.chosen() == places.HERE
    places._path().unlink()
    places.forget_read()
