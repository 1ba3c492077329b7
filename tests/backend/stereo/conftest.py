# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of stereo share."""

from __future__ import annotations

import plane_scene as scene
import pytest


@pytest.fixture(scope="session")
def plane_scene() -> scene.PlaneScene:
    """Three views from 13 to 25 degrees apart of a textured, slanted plane."""
    return scene.make()
