# SPDX-License-Identifier: GPL-3.0-or-later
"""Words on their way to a mesh: over the wire, an ordinary job without photographs."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import manual
import numpy as np
import pytest
import running_server
from lightkiln.capture.open_scene import file_ref
from lightkiln.cli import app
from lightkiln.mesh.export import load_mesh, save_mesh
from lightkiln.mesh.export_textured import load_textured
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import InvalidParams, InvalidPrompt, InvalidScene
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import (
    ControlJob,
    DescribeJob,
    FinishAgain,
    ListArtifacts,
    PreviewMesh,
    SubmitJob,
    WatchJob,
)
from lightkiln_shared.scene import Photo, Prompt, Region, RegionShape, Scene
from PIL import Image
from running_server import RunningServer
from typer.testing import CliRunner
from wire_client import Client, followed, submission, talk

RED = Scene(views=(), prompt=Prompt(text="a red torus\n on a blue cube", negative="legs"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One that also has the model of the manual, as somebody would install it."""
    folder = tmp_path_factory.mktemp("text")
    known = running_server.environment()
    plugins = manual.write(folder / "plugins")
    variables = {
        **known,
        "PYTHONPATH": os.pathsep.join((str(plugins), known["PYTHONPATH"])),
        "LIGHTKILN_METHODS": f"{known['LIGHTKILN_METHODS']},blobs:SPEC",
    }
    running = running_server.start(folder / "data", variables=variables)
    yield running
    running.stop()


async def asked(client: Client, scene: Scene, **params: object) -> str:
    return await followed(client, await client.upload(to_json(scene)), method="words", **params)


async def warnings_of(client: Client, job_id: str) -> list[str]:
    last = await client.until(job_id, "succeeded", "failed")
    assert last.record.text == "succeeded", last.record.reason
    return [e.record.text for e in client.records(job_id) if e.record.kind == "warning"]


def test_the_model_of_the_manual_makes_a_textured_mesh_where_the_region_is(
    server: RunningServer, tmp_path: Path
) -> None:
    placed = np.diag([0.5, 0.5, 0.5, 1.0])
    placed[:3, 3] = (3.0, 0.0, 0.5)
    region = Region(shape=RegionShape.BOX, world_from_region=placed)
    scene = Scene(views=(), prompt=RED.prompt, region=region)

    async def talking(client: Client) -> None:
        sha256 = await client.upload(to_json(scene))
        job = submission(sha256, method="blobs", preset="draft", seed=3)
        about = {name: getattr(job, name) for name in job.__slots__}
        accepted = await client.ask(SubmitJob(**{**about, "finish": {"texture": 128}}))
        await client.ask(WatchJob(job_id=accepted.job_id))
        assert await warnings_of(client, accepted.job_id) == []
        listed = await client.ask(ListArtifacts(job_id=accepted.job_id))
        assert {each.name for each in listed.artifacts} == {
            *("mesh.ply", "mesh.glb", "result.ply", "basecolor.png"),
            *("prompt.json", "report.json", "thumbnail.png"),
        }
        path = tmp_path / "mesh.glb"
        path.write_bytes(await client.artifact(accepted.job_id, "mesh.glb"))
        textured = load_textured(path)
        assert textured.base_color.shape == (128, 128, 3)
        assert np.ptp(textured.base_color) > 5
        middle = textured.mesh.positions.mean(axis=0)
        assert np.abs(middle - placed[:3, 3]).max() < 0.2
        small = Image.open(io.BytesIO(await client.artifact(accepted.job_id, "thumbnail.png")))
        assert np.asarray(small)[64, 64, 3] == 255  # the thing is in its middle
        said = json.loads(await client.artifact(accepted.job_id, "prompt.json"))
        assert said == {"text": RED.prompt.text, "negative": "legs", "seed": 3}
        described = await client.ask(DescribeJob(job_id=accepted.job_id))
        assert (described.seed, described.method) == (3, "blobs")

    talk(server, talking)


def test_prompt_picture_start_and_seed_reach_the_method(
    server: RunningServer, tmp_path: Path
) -> None:
    picture, start = tmp_path / "beside.png", tmp_path / "start.ply"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(picture)
    corners = np.eye(3, dtype=np.float32)
    save_mesh(TriangleMesh(positions=corners, triangles=np.array([[0, 1, 2]], np.int32)), start)
    prompt = Prompt(text="une théière 茶壶\n bleue", negative="", start=file_ref(start))
    scene = Scene(views=(), prompt=prompt, photos=(Photo(image=file_ref(picture)),))

    async def talking(client: Client) -> None:
        for path in (picture, start):
            await client.upload(path.read_bytes())
        job_id = await asked(client, scene, steps=3, seed=2**31 - 1)
        assert (await warnings_of(client, job_id))[:3] == [
            "Asked for: une théière 茶壶 bleue; not: ; by 2147483647.",
            "A picture (30, 40, 4).",
            "From 1 triangles.",
        ]

    talk(server, talking)


def test_pictures_come_one_after_the_other_each_with_its_seed(server: RunningServer) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.upload(to_json(RED))
        job_id = await followed(client, sha256, method="pictures", seed=7)
        await warnings_of(client, job_id)
        listed = json.loads(await client.artifact(job_id, "candidates.json"))
        assert [each["seed"] for each in listed] == [7, 8, 9, 10]
        last = await client.artifact(job_id, listed[3]["picture"])
        assert Image.open(io.BytesIO(last)).getpixel((0, 0)) == (180, 180, 180)
        names = [e.record.text for e in client.records(job_id) if e.record.kind == "artifact"]
        assert names.index("candidate-0.png") < names.index("candidate-3.png")

    talk(server, talking)


def test_pause_and_resume_finish_now_and_finishing_again_do_as_for_any_mesh(
    server: RunningServer, tmp_path: Path
) -> None:
    async def talking(client: Client) -> None:
        job_id = await asked(client, RED, steps=1000, seconds=0.01)
        await client.event(PreviewMesh, lambda e: e.job_id == job_id)
        await client.ask(ControlJob(job_id=job_id, action=JobAction.PAUSE))
        await client.until(job_id, "paused")
        client.events.clear()
        await client.ask(ControlJob(job_id=job_id, action=JobAction.RESUME))
        await client.event(PreviewMesh, lambda e: e.job_id == job_id)
        await client.ask(ControlJob(job_id=job_id, action=JobAction.FINISH))
        await warnings_of(client, job_id)
        (tmp_path / "mesh.ply").write_bytes(await client.artifact(job_id, "mesh.ply"))
        assert 1.0 <= load_mesh(tmp_path / "mesh.ply").positions.max() < 1000.0
        asked_again = FinishAgain(
            request_id=hashlib.md5(b"again").hexdigest(), job_id=job_id, finish={"faces": 1}
        )
        again = (await client.ask(asked_again)).job_id
        await client.ask(WatchJob(job_id=again))
        await warnings_of(client, again)
        finished.append(job_id)

    finished: list[str] = []
    talk(server, talking)
    folder = server.data / "jobs" / finished[0]
    output = tmp_path / "textured.glb"
    done = CliRunner().invoke(app, ["texture", str(folder), "-o", str(output), "--size", "64"])
    assert done.exit_code == 0, done.output
    assert load_textured(output).base_color.shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (None, "no prompt"),
        (Prompt(text=" \n "), "prompt is empty"),
        (Prompt(text="chair " * 500), "500 words; at most 100"),
        (Prompt(text="x" * 5000), "5000 characters; at most 1000"),
        (Prompt(text="a \x00 cube"), "no text"),
        (Prompt(text="a cube", negative="\x1b[31m"), "negative prompt has characters"),
    ],
    ids=["none", "empty", "500 words", "one endless word", "controls", "negative"],
)
def test_a_prompt_that_cannot_be_used_is_refused_at_the_door(
    server: RunningServer, prompt: Prompt | None, says: str
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.upload(to_json(Scene(views=(), prompt=prompt)))
        for method in ("words", "pictures"):
            with pytest.raises(InvalidPrompt, match=says) as refusal:
                await client.submit(sha256, method=method)
            assert refusal.value.hint

    talk(server, talking)


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        ("GIVEN", "is no pipeline: it has no model_index.json"),
        ("GIVEN/x.ckpt", "is one file, where a pipeline's folder is needed"),
        ("/no/such/folder", "There is no folder /no/such/folder"),
        ("nobody/has-this", "The model nobody/has-this is not on this machine"),
    ],
)
def test_a_prior_that_cannot_be_loaded_is_refused_at_the_door(
    server: RunningServer, tmp_path: Path, prior: str, says: str
) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"")
    named = prior.replace("GIVEN", str(tmp_path))

    async def talking(client: Client) -> None:
        sha256 = await client.upload(to_json(RED))
        with pytest.raises(InvalidPrompt, match=says) as refusal:
            await client.submit(sha256, method="text-candidates", prior=named)
        assert refusal.value.hint

    talk(server, talking)


def test_a_prompt_is_no_scene_for_photographs_and_no_seed_is_out_of_range(
    server: RunningServer,
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.upload(to_json(RED))
        with pytest.raises(InvalidScene, match="has no views"):
            await client.submit(sha256, method="counter")
        for seed in (-1, 2**31):
            with pytest.raises(InvalidParams, match="There is no seed"):
                await client.submit(sha256, method="words", seed=seed)

    talk(server, talking)


@pytest.mark.parametrize("data", [b"no mesh", b"ply\nformat ascii 1.0\nend_header\n"])
def test_a_damaged_start_is_a_sentence_of_the_job(
    server: RunningServer, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "start.ply"
    path.write_bytes(data)
    scene = Scene(views=(), prompt=Prompt(text="a cube", start=file_ref(path)))

    async def talking(client: Client) -> None:
        await client.upload(data)
        job_id = await asked(client, scene, steps=2)
        last = await client.until(job_id, "succeeded", "failed")
        assert last.record.text == "failed"
        assert "start.ply" in last.record.reason
        assert "Traceback" not in last.record.reason

    talk(server, talking)
