# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh and the photographs of it in, a textured mesh out. It must not know methods or jobs."""
