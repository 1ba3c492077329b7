# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes as 32³ voxels: networks that pack them into a few numbers, or make them of some."""
