# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the built-in prior without loading it. It must not import torch."""

from __future__ import annotations

import numpy as np

from lightkiln.priors.manifest import Light, Manifest, Predicts, Style

from .light import AMBIENT, DIFFUSE, LAMP

NAME = "embedded"
SIZE = 64
"""Pixels of a side."""
DISTANCE = 2.7
"""Of the cameras, in radii of the unit ball."""
FOV = 0.76
"""Radians: the ball that holds a scene just fits, since 2 asin(0.92 / 2.7) = 0.70."""
LOW, HIGH = float(np.deg2rad(-12.0)), float(np.deg2rad(62.0))
"""Elevations of the cameras."""
STYLES = (Style.ALBEDO, Style.SHADED, Style.TEXTURELESS)
MANIFEST = Manifest(
    name=NAME,
    title="Built-in world",
    licence="GPL-3.0-or-later",
    predicts=Predicts.VELOCITY,
    size=SIZE,
    channels=4,
    guidance=2.0,
    styles=STYLES,
    coloured_lights=True,
    light=Light(ambient=AMBIENT, diffuse=DIFFUSE, towards=LAMP),
    distance=(DISTANCE, DISTANCE),
    fov=(FOV, FOV),
    elevation=(LOW, HIGH),
)
