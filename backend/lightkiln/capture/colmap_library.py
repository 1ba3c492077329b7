# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place from which COLMAP is imported, after what has to be loaded before it.

pycolmap 4 brings a zlib whose names are visible to all: Pillow loaded after it would compress PNG
with half of one and half of the other, and corrupt the heap. Loaded first, Pillow keeps its own.
It must not know scenes.
"""

from PIL import Image  # isort: split

import pycolmap

__all__ = ["Image", "pycolmap"]

pycolmap.logging.minloglevel = 2  # errors only; its progress is told in our words
