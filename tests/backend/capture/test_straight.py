# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures without lens distortion, against photographs of the same thing by a pinhole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import still_life
from lightkiln.capture import straight
from lightkiln_shared.scene import FileRef, Scene, View
from numpy.typing import NDArray
from PIL import Image

LENS = (-0.15, 0.03, 0.004, -0.006)


def _view(camera: still_life.Camera, name: str) -> View:
    return View(camera=camera, image=FileRef(sha256=name * 64, size=1, name=f"{name}.png"))


def _smooth(image: NDArray[Any]) -> NDArray[Any]:
    """The brightness that JPEG and sampling anew leave as it is."""
    return cv2.GaussianBlur(image.mean(axis=-1), (0, 0), 3.0)


def test_a_straight_picture_is_what_a_pinhole_had_taken(tmp_path: Path) -> None:
    pinhole, *_ = still_life.around(3)
    bent = replace(pinhole, distortion=LENS)
    things = still_life.StillLife()
    Image.fromarray(things.photograph(bent)).save(tmp_path / "bent.png")
    (tmp_path / "broken.png").write_text("no picture")
    views = (_view(bent, "a"), _view(pinhole, "b"), _view(bent, "c"))
    files = {"a" * 64: tmp_path / "bent.png", "c" * 64: tmp_path / "broken.png"}
    out = tmp_path / "out"
    out.mkdir()
    straight.write(Scene(views=views), files, out)
    assert [path.stem for path in out.iterdir()] == ["a" * 64]
    made = _smooth(np.asarray(Image.open(out / f"{'a' * 64}.jpg")))
    true, before = _smooth(things.photograph(pinhole)), _smooth(things.photograph(bent))
    inner = np.s_[24:-24, 32:-32]  # the lens did not see the corners
    error = np.abs(made - true)[inner].mean()
    assert error < 0.2 * np.abs(before - true)[inner].mean()
