# SPDX-License-Identifier: GPL-3.0-or-later
"""Slices of a scan in, what each voxel is out: phantoms, a 2D U-Net and its lesson."""
