# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in `inside/` run in other Pythons: `test_every_blender.py` starts them."""

collect_ignore = ["inside", "methods"]
