# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the main job from end to end, through the real extension and the real backend.

A headless Blender makes and photographs the sample, or `--scene` names a folder of photographs with
poses; the installed extension starts the backend, watches it work and imports the mesh. Leaves
`result.blend`, `result.glb` and `report.html` in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from lightkiln_shared.errors import LightkilnError
from PIL import Image

from build_addon import build
from demo.photographs import prepare
from demo.report import write_report
from demo.story import Story, load
from tests.addon.environments import Unavailable, python_of

DEMO = Path(__file__).parent
ROOT = DEMO.parent
RUN = ROOT / "build" / "demo"
"""What is of no use afterwards: logs, jobs, Blender's own files."""
SAMPLE = DEMO / "sample"
"""The photographs: `result.blend` shows them behind its cameras."""
BLENDER = "4.5.15"
RESULTS = tuple(DEMO / name for name in ("result.blend", "result.glb", "report.html"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scene", type=Path, help="folder of photographs with poses")
    parser.add_argument("--method", default="kiln")
    parser.add_argument("--preset", default="draft")
    chosen = parser.parse_args()
    for old in (RUN, SAMPLE):
        shutil.rmtree(old, ignore_errors=True)
    RUN.mkdir(parents=True)
    try:
        _run(chosen.scene, chosen.method, chosen.preset)
    except (LightkilnError, Unavailable, subprocess.CalledProcessError) as error:
        sys.exit(f"demo: {error}")
    finally:
        _end_backend()


def _run(photographs: Path | None, method: str, preset: str) -> None:
    _say("Taking the photographs" if photographs is None else "Reading the photographs")
    start = time.monotonic()
    if photographs is None:
        title, what = "A painted jug", "Photographing the sample"
        _in_blender("demo.make_sample", str(SAMPLE))
    else:
        title, what = photographs.resolve().name, "Reading the photographs"
        prepare(photographs, SAMPLE)
    prelude = (what, round(time.monotonic() - start, 2))
    task = {
        "title": title[:1].upper() + title[1:],
        "scene": str(SAMPLE),
        "extension": str(build()),
        "command": str(Path(sys.executable).with_name("lightkiln")),
        "out": str(RUN),
        "blend": str(DEMO / "result.blend"),
        "glb": str(DEMO / "result.glb"),
        "method": method,
        "preset": preset,
    }
    (RUN / "task.json").write_text(json.dumps(task))
    _say("Reconstructing in Blender")
    _in_blender("demo.in_blender", str(RUN / "task.json"))
    _tell(load(RUN), prelude)


def _in_blender(module: str, *arguments: str) -> None:
    """Run a module of the demo in headless Blender; a person's own settings are not touched."""
    own = {"BLENDER_USER_RESOURCES": str(RUN / "blender")}
    with (RUN / f"{module}.log").open("w") as log:  # Cycles says a line for every sample
        subprocess.run(
            [python_of(BLENDER), "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, **own},
            check=True,
            stdout=log,
        )


def _end_backend() -> None:
    """It would wait some minutes for a Blender to come back."""
    runtime = RUN / "backend" / "server.json"
    if runtime.exists():
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


def _tell(story: Story, prelude: tuple[str, float]) -> None:
    story.times.insert(0, prelude)
    for path in RUN.glob("*.npy"):  # Blender's Python has no writer of pictures worth its name
        Image.fromarray(np.load(path)).save(path.with_suffix(".png"))
    write_report(story, RUN, DEMO / "report.html")
    for what, seconds in story.times:
        _say(f"{seconds:7.1f} s  {what}")
    for path in RESULTS:
        _say(f"{path.relative_to(ROOT)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
