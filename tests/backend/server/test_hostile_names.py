# SPDX-License-Identifier: GPL-3.0-or-later
"""More than 200 names that would lead elsewhere, at every place where a client may say a name."""

from __future__ import annotations

import ntpath
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile_names import NAMES
from lightkiln.capture.sources import inside
from lightkiln_shared.camera import Camera
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import InvalidScene, LightkilnError
from lightkiln_shared.messages import FileOffer, OfferFiles, ReadArtifact
from lightkiln_shared.scene import FileRef, Scene, View
from running_server import RunningServer
from wire_client import Client, followed, submission, talk

ASKED: dict[str, Callable[[str, str], object]] = {
    "a file's hash": lambda name, _: OfferFiles(files=(FileOffer(sha256=name, size=1),)),
    "an artifact": lambda name, job_id: ReadArtifact(job_id=job_id, name=name),
    "a job": lambda name, _: ReadArtifact(job_id=name, name="mesh.ply"),
    "a scene": lambda name, _: submission(name),
    "a request": lambda name, _: submission("0" * 64, request_id=name),
    "a method": lambda name, _: submission("0" * 64, method=name),
    "a preset": lambda name, _: submission("0" * 64, preset=name),
}


def test_there_are_enough() -> None:
    assert len(NAMES) > 200


def all_files(server: RunningServer) -> set[str]:
    """Those of the store, and what lies beside it."""
    around = server.data.parent
    return {str(path.relative_to(around)) for path in around.rglob("*") if "jobs/" not in str(path)}


@pytest.mark.parametrize("place", ASKED)
def test_a_name_touches_no_file(server: RunningServer, place: str) -> None:
    async def ask(client: Client) -> None:
        before = all_files(server)
        for at in range(0, len(NAMES), 15):  # a submission counts against a client's rate
            for name in NAMES[at : at + 15]:
                if not name and place == "a request":
                    continue  # the test's own client puts one in
                with pytest.raises(LightkilnError):
                    await client.ask(ASKED[place](name, "0" * 16))  # type: ignore[arg-type]
        assert all_files(server) == before

    talk(server, ask)


def test_names_of_photographs_and_titles_are_for_people_only(
    server: RunningServer, scene: Path
) -> None:
    async def ask(client: Client) -> None:
        image = await client.upload((scene / "images" / "view_00.png").read_bytes())
        size = (server.data / "files" / image).stat().st_size
        camera = Camera(
            world_from_camera=np.eye(4),
            focal=(100.0, 100.0),
            principal_point=(48.0, 48.0),
            width=96,
            height=96,
        )
        views = [
            View(camera=camera, image=FileRef(sha256=image, size=size, name=name)) for name in NAMES
        ]
        document = await client.upload(to_json(Scene(views=tuple(views))))
        job_id = await followed(client, document, steps=1)
        await client.until(job_id, "succeeded", "failed")
        kept = {path.name for path in (server.data / "jobs" / job_id / "files").iterdir()}
        assert kept == {image}
        around = {path.name for path in server.data.parent.iterdir()}
        assert around == {"data", "server.log"}

    talk(server, ask)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_scenes_document_does_not_lead_out_of_its_folder(name: str) -> None:
    """By the rules of this system and by those of Windows, whatever this Python thinks of them."""
    folder = Path("/scene/folder")
    try:
        path = str(inside(folder, name))
    except InvalidScene:
        return
    assert Path(path).is_relative_to(folder)
    windows = ntpath.normpath(ntpath.join("D:\\scene\\folder", path.removeprefix(str(folder))[1:]))
    assert windows.startswith("D:\\scene\\folder")
