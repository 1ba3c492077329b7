# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of things learned from single pictures. It must not know jobs or methods' parameters."""
