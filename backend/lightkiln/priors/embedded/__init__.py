# SPDX-License-Identifier: GPL-3.0-or-later
"""The prior that comes with Lightkiln: a small world of things that it has seen from all sides."""
