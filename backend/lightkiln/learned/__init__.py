# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that have learned shapes before they are asked: world, lessons, weights.

A method's package in `lightkiln.methods` asks what is here; nothing here knows jobs or runs.
"""
