# SPDX-License-Identifier: GPL-3.0-or-later
"""An alignment as Blender will ask for it: over the wire, an ordinary job with other artifacts."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import still_life
from lightkiln.capture.open_scene import file_ref
from lightkiln_shared.checks import check_scene
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.messages import ListArtifacts
from lightkiln_shared.scene import Photo, Scene
from PIL import Image
from running_server import RunningServer
from wire_client import Client, followed, talk

COUNTS = ("features", "verified_pairs", "matches", "registered", "points", "reprojection_error")


async def sent(client: Client, paths: list[Path]) -> str:
    """Upload photographs and the document that names them."""
    for path in paths:
        await client.upload(path.read_bytes())
    photos = tuple(Photo(image=file_ref(path)) for path in paths)
    return await client.upload(to_json(Scene(views=(), photos=photos)))


def test_photographs_become_a_scene_that_can_be_submitted(
    server: RunningServer, tmp_path: Path
) -> None:
    paths = still_life.write(tmp_path, still_life.around(5))
    paths.append(tmp_path / "plain.png")
    Image.new("RGB", (320, 240), (90, 90, 90)).save(paths[-1])

    async def talking(client: Client) -> None:
        scene = await sent(client, paths)
        job_id = await followed(client, scene, method="align", features=500)
        last = await client.until(job_id, "succeeded", "failed")
        assert last.record.text == "succeeded", last.record.reason
        told = {name for event in client.progress(job_id) for name in event.progress.metrics}
        assert set(COUNTS) <= told
        listed = await client.ask(ListArtifacts(job_id=job_id))
        names = {artifact.name for artifact in listed.artifacts}
        assert names == {"scene.json", "points.ply", "model.zip", "report.json"}
        solved = from_json(Scene, await client.artifact(job_id, "scene.json"))
        assert [view.name for view in solved.views] == [path.name for path in paths[:5]]
        assert [photo.name for photo in solved.photos] == ["plain.png"]
        check_scene(solved)
        report = json.loads(await client.artifact(job_id, "report.json"))["alignment"]
        assert [each["sha256"] for each in report["unplaced"]] == [solved.photos[0].image.sha256]
        assert report["unplaced"][0]["text"].endswith(".")
        points = await client.artifact(job_id, "points.ply")
        assert f"element vertex {report['points']}\n".encode() in points
        model = zipfile.ZipFile(io.BytesIO(await client.artifact(job_id, "model.zip")))
        assert "points3D.bin" in model.namelist()

    talk(server, talking)


@pytest.mark.parametrize("method", ["align", "counter"])
def test_a_scene_without_what_the_method_needs_is_refused_at_the_door(
    server: RunningServer, tmp_path: Path, method: str
) -> None:
    paths = still_life.write(tmp_path, still_life.around(1))

    async def talking(client: Client) -> None:
        photos = await sent(client, paths if method == "counter" else [])
        says = "has no views" if method == "counter" else "no photographs to align"
        with pytest.raises(InvalidScene, match=says):
            await client.submit(photos, method=method)

    talk(server, talking)
