# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements of the real program, and the rendered scenes they are made on."""
