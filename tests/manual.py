# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that `docs/writing_a_method.md` prints, as files that can be imported."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "writing_a_method.md"


def write(folder: Path) -> Path:
    """Write the page's Python blocks that open with their file's name; returns the folder."""
    blocks = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for name, code in blocks:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")
    return folder
