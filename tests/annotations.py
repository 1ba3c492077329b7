# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what annotations say; whole numbers may stand for floats, as PEP 484 has it."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
