# SPDX-License-Identifier: GPL-3.0-or-later
"""What soak and chaos play on: a small scene, a real server, and a job that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import running_server
import synthetic
import wire_client
from running_server import RunningServer

EVERY = 4
"""Of the synthetic scene's views each fourth is used."""
wire_client.PATIENCE = 600.0  # a campaign shares its machine, for hours perhaps
FINAL = ("succeeded", "failed", "cancelled")


def small_scene(folder: Path) -> Path:
    """Four views of two balls."""
    scene = synthetic.write(folder / "scene").folder
    path = scene / "transforms.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "frames": document["frames"][::EVERY]}))
    return scene


@contextmanager
def server(data: Path) -> Iterator[list[RunningServer]]:
    """A running server in a list, where another may take its place; the last one is stopped."""
    held = [running_server.start(data)]
    try:
        yield held
    finally:
        if held[0].process.poll() is None:
            held[0].stop()


def quantile(values: Sequence[float], q: float) -> float:
    """The value that a share q of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def workers(data: Path) -> list[psutil.Process]:
    """The worker processes whose jobs lie in a data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "worker" in command and any(part.startswith(str(data)) for part in command):
            found.append(process)
    return found
