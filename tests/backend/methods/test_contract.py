# SPDX-License-Identifier: GPL-3.0-or-later
"""Every installed method passes the contract."""

from lightkiln.testing import *  # noqa: F403 the tests themselves
