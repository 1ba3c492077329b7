# SPDX-License-Identifier: GPL-3.0-or-later
"""A run shows itself to who reads of it, and works for nobody's eyes otherwise; a real server."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import paged_server
import synthetic
from lightkiln.jobs.folder import JobFolder
from lightkiln_shared.camera import Camera
from lightkiln_shared.messages import LookFrom, PreviewImage, WatchJob
from paged_server import Paged
from PIL import Image
from wire_client import connected

PATIENCE = 90.0
"""Seconds; on a busy machine a worker begins late."""


def eventually(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read(paged: Paged, path: str = "/") -> bytes:
    address = f"{paged.address}{path}"
    cookie = f"lightkiln-{paged.server.line['server_id']}={paged.secret}"
    asked = urllib.request.Request(address, headers={"Cookie": cookie})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return bytes(answer.read())


def test_a_picture_is_made_for_who_reads_of_a_job_and_not_before(
    tmp_path: Path, synthetic_scene: synthetic.SyntheticScene
) -> None:
    data = tmp_path / "data"
    paged = paged_server.start(data, synthetic_scene.folder, "--web", "--web-port", "0")
    try:
        job_id = asyncio.run(paged.submit("a job", steps=100_000, seconds=0.01))
        folder = JobFolder(data / "jobs" / job_id)
        eventually(lambda: folder.figures.exists())
        assert not folder.preview_image.exists(), "nobody reads of it"

        eventually(lambda: read(paged) and folder.preview_image.exists())
        eventually(lambda: folder.read_control().look_from is None)
        assert not folder.read_control().watched, "one is enough"
        image = Image.open(BytesIO(read(paged, f"/jobs/{job_id}/picture")))
        assert image.size == (96, 96)
        assert len(image.getcolors() or ()) == 1, "the test's method paints its count of steps"

        asyncio.run(who_follows_is_not_disturbed(paged, job_id))
    finally:
        paged.server.stop()


async def who_follows_is_not_disturbed(paged: Paged, job_id: str) -> None:
    """What comes to somebody who looks from a place is made for that place."""
    async with connected(paged.server.port, paged.token) as ann:
        camera = JobFolder(paged.server.data / "jobs" / job_id).scene().views[-1].camera
        await ann.ask(WatchJob(job_id=job_id))
        await ann.ask(LookFrom(job_id=job_id, camera=camera))
        await ann.event(PreviewImage, lambda event: is_at(event.camera, camera))
        first = len(ann.events)
        for _ in range(5):
            await asyncio.to_thread(read, paged)
            await asyncio.sleep(0.2)
        seen = [event for event, _ in ann.events[first:] if isinstance(event, PreviewImage)]
        assert seen
        assert all(is_at(event.camera, camera) for event in seen)


def is_at(one: Camera, other: Camera) -> bool:
    return bool((one.world_from_camera == other.world_from_camera).all())
