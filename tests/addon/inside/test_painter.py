# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a dataset by this Blender: the same outlines as ours, in other light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECK = """
import sys
from pathlib import Path
from lightkiln.learned.world.plan import Split
from lightkiln.learned.world.shards import things
own, blender = (things(Path(folder), Split.TRAIN).views for folder in sys.argv[1:])
a, b = own[..., 3] > 127, blender[..., 3] > 127
assert (a & b).sum() > 0.9 * (a | b).sum(), "outlines"
both = a & b
assert abs(own[both].astype(int) - blender[both]).mean() > 2.0, "light"
assert blender[both][:, :3].std() > 10.0, "colours"
"""


def test_this_blender_paints_a_dataset(tmp_path: Path) -> None:
    python = os.environ["LIGHTKILN_PYTHON"]
    made = [python, "-m", "lightkiln", "dataset", "make", "--families", "mug,car", "--count", "10"]
    made += ["--views", "1", "--pixels", "32", "--workers", "1"]
    painted = ["--painter", "blender", "--blender", sys.executable]
    for words in ([str(tmp_path / "own")], [str(tmp_path / "blender"), *painted]):
        ended = subprocess.run([*made, *words], capture_output=True, text=True, timeout=240)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    checked = [python, "-c", CHECK, str(tmp_path / "own"), str(tmp_path / "blender")]
    subprocess.run(checked, check=True, timeout=60)
