# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job from end to end, on a sample of our own or on a folder of photographs."""
