# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol's page says what the sources say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_is_the_one_that_the_sources_make() -> None:
    page = runpy.run_path(str(DOCS / "generate_protocol.py"))["page"]
    assert page() == (DOCS / "protocol.md").read_text(encoding="utf-8"), "run `make docs`"
