# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place from which COLMAP is imported, after what has to be loaded before it.

pycolmap 4 brings a zlib whose names are visible to all: Pillow loaded after it would compress PNG
with half of one and half of the other, and corrupt the heap. Loaded first, Pillow keeps its own.
It also takes SIGTERM for itself, to print a stack; a worker that is told to end has to hear it.
It must not know scenes.
"""

import signal
import threading

from PIL import Image

_before = signal.getsignal(signal.SIGTERM)

import pycolmap  # noqa: E402 after what it would disturb

if threading.current_thread() is threading.main_thread() and _before is not None:
    signal.signal(signal.SIGTERM, _before)

__all__ = ["Image", "pycolmap"]

pycolmap.logging.minloglevel = 2  # errors only; its progress is told in our words
