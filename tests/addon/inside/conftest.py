# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test inside a Blender shares: the installed extension and an empty file.

These tests run in the Python of a `bpy` module, started by `test_every_blender.py`, which names the
zip and an empty folder for Blender's own files in the environment.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import bpy  # isort: skip  makes its own modules importable
import addon_utils
import numpy as np
import pytest
from mathutils import Matrix

PACKAGE = "bl_ext.user_default.lightkiln"


def pytest_sessionstart() -> None:
    """Install the zip as a person does."""
    addon_utils.enable("bl_pkg", persistent=True)
    done = bpy.ops.extensions.package_install_files(
        filepath=os.environ["LIGHTKILN_ZIP"], repo="user_default", enable_on_install=True
    )
    assert done == {"FINISHED"}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Some Blender modules hang at the interpreter's end."""
    os._exit(getattr(config, "lightkiln_exit", 1))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.lightkiln_exit = int(exitstatus)


def module(name: str) -> ModuleType:
    """A module of the installed extension."""
    return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.fixture(autouse=True)
def empty_file() -> Iterator[None]:
    """An empty scene before, and no job or connection after."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable(PACKAGE, default_set=True)
    yield
    module("backend").disconnect()
    module("status").current.job = None
    module("status").current.problem = ""


@pytest.fixture
def pump_until() -> Callable[..., None]:
    """Play the timer until something holds; fails after some seconds, saying what was going on."""
    inbox, status = module("inbox"), module("status")

    def pump(holds: Callable[[], object], *, seconds: float = 60.0, may_fail: bool = False) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, status.current
            assert may_fail or status.current.job is None or status.current.job.state != "failed", (
                status.current.job.reason
            )
            inbox.pump()
            time.sleep(0.02)

    return pump


@pytest.fixture
def add_camera() -> Callable[..., bpy.types.Object]:
    """Makes a camera that looks at a point, selected, with a background image if given."""

    def add(
        name: str, position: tuple[float, ...], target: tuple[float, ...], image: Path | None = None
    ) -> bpy.types.Object:
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        bpy.context.scene.collection.objects.link(camera)
        matrix = np.eye(4)
        back = np.subtract(position, target) / np.linalg.norm(np.subtract(position, target))
        right = np.cross((0.0, 0.0, 1.0), back)
        right /= np.linalg.norm(right)
        matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
        matrix[:3, 3] = position
        camera.matrix_world = Matrix(matrix)
        camera.select_set(True)
        if image is not None:
            loaded = bpy.data.images.load(str(image), check_existing=True)
            camera.data.background_images.new().image = loaded
        bpy.context.view_layer.update()
        return camera

    return add
