# SPDX-License-Identifier: GPL-3.0-or-later
"""Lightkiln's backend: photographs in, solid coloured meshes out."""

__version__ = "0.1.0"
