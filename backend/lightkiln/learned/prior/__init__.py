# SPDX-License-Identifier: GPL-3.0-or-later
"""How the built-in prior of prompts is taught; what it is, stands in `priors.embedded`."""
