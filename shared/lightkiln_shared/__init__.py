# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the backend say to each other: types, messages and the protocol's core.

Standard library, numpy and msgpack only; relative imports only, because the same files run inside
Blender as a sub-package of the extension.
"""

PROTOCOL_VERSION = 1
"""Raised when an old peer could no longer understand a new one."""
