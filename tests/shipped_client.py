# SPDX-License-Identifier: GPL-3.0-or-later
"""The client that ships, without Blender: its modules know no bpy, only its package does.

`load("client")` is `blender_addon/client.py`, with `shared/` where the zip has it.
"""

from __future__ import annotations

import importlib
import random
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import lightkiln_shared
import numpy as np
from PIL import Image
from running_server import RunningServer

PACKAGE = "shipped_extension"
FINAL = ("succeeded", "failed", "cancelled")
SOURCES = Path(__file__).parent.parent / "blender_addon"


def load(name: str) -> ModuleType:
    """A module of the extension."""
    if PACKAGE not in sys.modules:
        for package, folder in (
            (PACKAGE, SOURCES),
            (f"{PACKAGE}.shared", Path(lightkiln_shared.__file__).parent),
        ):
            module = ModuleType(package)
            module.__path__ = [str(folder)]
            sys.modules[package] = module
        sys.modules[f"{PACKAGE}.shared"].__dict__.update(
            PROTOCOL_VERSION=lightkiln_shared.PROTOCOL_VERSION
        )
    return importlib.import_module(f"{PACKAGE}.{name}")


class Seat:
    """A person's end: the client that ships, and all that its mailbox has brought."""

    def __init__(self, locate: Callable[[], Any]) -> None:
        """`locate` returns where the backend is: `endpoint`."""
        mailbox = load("mailbox")
        self.mailbox = mailbox.Mailbox()
        self.links: list[tuple[float, str]] = []
        """When the line came or went."""
        self.news: dict[str, list[Any]] = {}
        """Records of each job, as they came."""
        self.client = load("client").Client(locate, self.mailbox)

    def look(self) -> None:
        """Take what has come."""
        while (post := self.mailbox.get()) is not None:
            if hasattr(post, "link"):
                self.links.append((time.monotonic(), str(post.link)))
            record = getattr(getattr(post, "message", None), "record", None)
            if record is not None:
                self.news.setdefault(post.message.job_id, []).append(record)

    def wait(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        """Look until something holds."""
        deadline = time.monotonic() + seconds
        self.look()
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {self.links[-5:]}"
            time.sleep(0.01)
            self.look()

    def end_of(self, job_id: str) -> str:
        """The final state that was told; empty: none yet."""
        texts = [record.text for record in self.news.get(job_id, []) if record.kind == "state"]
        return texts[-1] if texts and texts[-1] in FINAL else ""


def endpoint(server: RunningServer, port: int = 0) -> Any:
    """Where a server, or a line to it, is for the client that ships."""
    return load("connection").Endpoint(
        address="127.0.0.1",
        port=port or server.port,
        fingerprint=server.line["fingerprint"],
        token=server.token,
    )


def order(
    folder: Path, rng: random.Random, side: int = 100, images: Sequence[Path] = (), **params: Any
) -> Any:
    """A job of three photographs that no backend has yet, or of those that are given."""
    shots, convert = load("shots"), load("convert")
    lens = convert.Lens(lens=50.0, sensor_width=36.0, sensor_height=24.0, sensor_fit="AUTO")
    pictures = []
    for number, image in enumerate(images or [noise(folder, rng, side) for _ in range(3)]):
        pose = np.eye(4)
        pose[:3, 3] = number, 0.0, 3.0
        pictures.append(
            shots.Shot(name=f"{number}", matrix_world=pose, lens=lens, image=image, mask=None)
        )
    return shots.Order(
        order_id=str(uuid.UUID(int=rng.getrandbits(128))),
        title="a test",
        method="counter",
        preset="standard",
        params=params,
        shots=tuple(pictures),
        region=None,
        folder=None,
    )


def noise(folder: Path, rng: random.Random, side: int) -> Path:
    """A square picture that cannot be packed."""
    image = folder / f"{rng.randrange(10**12)}.png"
    pixels = np.frombuffer(rng.randbytes(side * side * 3), np.uint8).reshape(side, side, 3)
    Image.fromarray(pixels).save(image)
    return image
