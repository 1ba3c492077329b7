# SPDX-License-Identifier: GPL-3.0-or-later
"""`inside/` in every Blender that the extension supports, on the zip that ships.

What is run there mostly waits, for servers and for seconds to pass; so it goes on beside all other
tests, two Blenders at a time (`conftest.py`), and stands last.
"""

from __future__ import annotations

import pytest
from addon.blender_runs import BlenderRuns
from addon.environments import BLENDERS, Unavailable


@pytest.mark.blender
@pytest.mark.timeout(3000)  # making an environment takes a while, once
@pytest.mark.parametrize("blender", BLENDERS)
def test_the_extension_works_in(blender: str, blender_runs: BlenderRuns) -> None:
    try:
        run = blender_runs.outcome(blender)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
