# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedural world that the networks learn: things of a few families, in closed form."""
