# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension costs and reaches in real Blenders: `python -m benchmarks.blender`.

Installs the zip in a bpy module, lets it start the real backend, and runs `benchmarks.upload` and
`benchmarks.ticks` there. Writes `docs/benchmarks/extension.md` and its figures as JSON.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import DOCS, ROOT, commit, machine, today
from build_addon import build
from tests.addon.environments import python_of

UPLOAD_BLENDER, TICK_BLENDER = "4.5.15", "5.2.3"
SCENE = Path.home() / ".cache" / "lightkiln" / "scenes" / "solid"
SECONDS = 300


def main() -> None:
    extension = str(build())
    figures = {
        "date": today(),
        "commit": commit(),
        "machine": machine(),
        "upload": _run(UPLOAD_BLENDER, "upload", extension),
        "ticks": _run(TICK_BLENDER, "ticks", extension, str(SCENE)),
    }
    (DOCS / "extension.json").write_text(json.dumps(figures, indent=1) + "\n")
    template = Path(__file__).with_name("extension.template.md").read_text()
    (DOCS / "extension.md").write_text(template.format(**figures))


def _run(blender: str, name: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this package in a Blender; returns the JSON that it leaves."""
    backend = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "lightkiln"]
    about = {
        "LIGHTKILN_COMMAND": shlex.join(backend),
        "LIGHTKILN_METHODS": "benchmarks.flood:SPEC",
    }
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # a disk, where /tmp may be memory
        about["BLENDER_USER_RESOURCES"] = f"{folder}/blender"
        command = [python_of(blender), "-m", f"benchmarks.{name}", folder, *arguments]
        try:
            subprocess.run(
                command, cwd=ROOT, env={**os.environ, **about}, check=True, timeout=SECONDS
            )
        finally:
            _end_backend(Path(folder) / "backend" / "server.json")
        result: dict[str, Any] = json.loads((Path(folder) / f"{name}.json").read_text())
        return result


def _end_backend(runtime: Path) -> None:
    if runtime.exists():
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


if __name__ == "__main__":
    main()
