# SPDX-License-Identifier: GPL-3.0-or-later
"""The lamp of the built-in world: it goes with the camera.

    shaded = albedo (AMBIENT + DIFFUSE max(0, n . l))

with l in camera axes: x right, y up, z backwards.
Textureless renderings show (1 + n) / 2: three lamps, a red one from the right, a green one from
above and a blue one from the camera, on white. It must not know shapes.
"""

from __future__ import annotations

AMBIENT, DIFFUSE = 0.35, 0.65
LAMP = (0.2592, 0.4320, 0.8639)
"""Unit: (0.3, 0.5, 1) made so."""
