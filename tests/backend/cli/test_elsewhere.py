# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about a backend elsewhere: a real one that this machine is paired with."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import running_server
from chaos_proxy import ChaosProxy, Line
from lightkiln.cli import app
from lightkiln.mesh.export import load_mesh
from lightkiln_shared.address import Address
from lightkiln_shared.codec import to_json
from lightkiln_shared.known import Backend, Backends
from pairing_client import paired
from running_server import RunningServer
from synthetic import SyntheticScene
from typer.testing import CliRunner, Result

COUNTER = ("--method", "counter")


@dataclass
class Laptop:
    """A machine that knows the backend as `attic`, over a line that can be broken as `cellar`."""

    home: Path
    box: RunningServer
    token: str

    def know(self, name: str, port: int) -> None:
        """Be paired with the box at another port too."""
        backends = {
            each: Backend(
                address=Address("127.0.0.1", number),
                fingerprint=str(self.box.line["fingerprint"]),
                token=self.token,
            )
            for each, number in (("attic", self.box.port), (name, port))
        }
        (self.home / "lightkiln").mkdir(exist_ok=True, parents=True)
        path = self.home / "lightkiln" / "backends.json"
        path.write_bytes(to_json(Backends(backends=backends)))

    @property
    def environment(self) -> dict[str, str]:
        return {**running_server.environment(), "XDG_CONFIG_HOME": str(self.home)}

    def run(self, *words: str | Path, backend: str = "attic") -> Result:
        named = ["--backend", backend] if backend else []
        return CliRunner().invoke(app, [*named, *map(str, words)], env=self.environment)

    def told(self, *words: str | Path, backend: str = "attic") -> Any:
        """The document that a command writes with --json."""
        done = self.run(*words, "--json", backend=backend)
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        return json.loads(done.stdout)

    def refused(self, *words: str | Path, backend: str = "attic") -> tuple[int, str]:
        """Exit code and the error's code."""
        done = self.run(*words, "--json", backend=backend)
        assert done.stderr == ""
        error = json.loads(done.stdout)["error"]
        assert error["message"]
        return done.exit_code, error["code"]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    folder = tmp_path_factory.mktemp("box")
    box = running_server.start_box(folder / "data")
    made = Laptop(folder / "config", box, asyncio.run(paired(box, "laptop")))
    made.know("attic", box.port)
    yield made
    box.stop()


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_scene_becomes_a_mesh_there_over_a_line_that_breaks(
    laptop: Laptop, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    line = Line(rate=400_000.0, reset_every=0.7)
    with ChaosProxy(laptop.box.port, line, random.Random(3)) as proxy:
        laptop.know("cellar", proxy.port)
        words = ("reconstruct", synthetic_scene.folder, "-o", tmp_path / "out.glb", "--report")
        settings = ("--set", "steps=200", "--set", "seconds=0.02")
        done = laptop.run(*words, *COUNTER, *settings, "--json", backend="cellar")
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        assert proxy.resets >= 3
    told = events(done.stdout)
    states = [event["state"] for event in told if event["event"] == "state"]
    assert list(dict.fromkeys(states)) in (
        ["queued", "running", "succeeded"],
        ["running", "succeeded"],
    )
    steps = [event["fraction"] for event in told if event["event"] == "progress"]
    assert steps == sorted(steps)
    warnings = [event["text"] for event in told if event["event"] == "warning"]
    assert warnings == ["The figure 'broken' is not a number in some steps."]  # once
    assert told[-1] == {"event": "wrote", "path": str(tmp_path / "out.glb")}
    assert float(load_mesh(tmp_path / "out.glb").positions[:, 0].max()) == 200.0
    assert json.loads((tmp_path / "out.json").read_text())["params"]["steps"] == 200


def test_what_the_panel_does_with_jobs_is_typed_too(
    laptop: Laptop, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    words = ("reconstruct", synthetic_scene.folder, *COUNTER, "--set", "steps=100000", "--detach")
    job_id = laptop.told(*words)["job_id"]
    (listed,) = [job for job in laptop.told("jobs")["jobs"] if job["job_id"] == job_id]
    assert listed["method"] == "counter"
    assert laptop.told("job", job_id[:8])["asked"]["params"] == {"steps": 100000}
    wait_for(laptop, job_id, "running")
    laptop.told("pause", job_id)
    wait_for(laptop, job_id, "paused")
    laptop.told("resume", job_id)
    wait_for(laptop, job_id, "running")
    assert laptop.refused("fetch", job_id, "-o", tmp_path / "too_early.ply") == (2, "user")
    laptop.told("cancel", job_id, "--keep-mesh")
    told = events(laptop.run("follow", job_id, "--json").stdout)
    assert told[-1]["state"] == "succeeded"
    assert laptop.run("fetch", job_id, "-o", tmp_path / "mesh.ply").exit_code == 0
    assert load_mesh(tmp_path / "mesh.ply").positions.shape == (3, 3)
    laptop.told("fetch", job_id, "-o", tmp_path / "all")
    assert {"mesh.ply", "mesh.glb", "report.json"} <= {p.name for p in (tmp_path / "all").iterdir()}
    laptop.told("keep", job_id)
    assert laptop.told("job", job_id)["job"]["kept"]
    again = laptop.told("texture", job_id, "--size", "64", "--detach")["job_id"]
    laptop.run("follow", again)
    laptop.told("delete", job_id)
    assert laptop.refused("job", job_id) == (2, "unknown_job")
    assert laptop.refused("delete", job_id) == (2, "unknown_job")


def wait_for(laptop: Laptop, job_id: str, state: str) -> None:
    deadline = time.monotonic() + 60.0
    while (found := laptop.told("job", job_id)["job"]["state"]) != state:
        assert time.monotonic() < deadline, f"it is {found} and never {state}"
        time.sleep(0.05)


def test_a_cancelled_job_is_an_error_to_who_follows_it(
    laptop: Laptop, synthetic_scene: SyntheticScene
) -> None:
    words = ("reconstruct", synthetic_scene.folder, *COUNTER, "--set", "steps=100000", "--detach")
    job_id = laptop.run(*words).stdout.strip()
    laptop.told("cancel", job_id)
    done = laptop.run("follow", job_id, "--json")
    assert done.exit_code == 2
    assert events(done.stdout)[-1]["error"]["code"] == "job_cancelled"
    laptop.told("retry", job_id)
    laptop.told("cancel", job_id)


def test_ctrl_c_brings_the_mesh_so_far(
    laptop: Laptop, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    output = tmp_path / "out.ply"
    command = ["--backend", "attic", "reconstruct", str(synthetic_scene.folder), "-o", str(output)]
    with subprocess.Popen(
        [sys.executable, "-m", "lightkiln", *command, *COUNTER, "--set", "steps=100000", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=laptop.environment,
    ) as process:
        assert process.stdout is not None
        said = next(line for line in process.stdout if '"progress"' in line)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 0, said + rest
    assert "Finishing with what there is so far" in rest
    assert output.exists()


def test_words_become_a_mesh_and_pictures_there(laptop: Laptop, tmp_path: Path) -> None:
    words = ("text", "a red  torus", "--seed", "9")
    done = laptop.run(*words, "--method", "words", "-o", tmp_path / "x.glb", "--json")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    told = events(done.stdout)
    assert {"event": "note", "text": "Seed 9."} in told
    assert "Asked for: a red torus; not: ; by 9." in [each.get("text") for each in told]
    assert told[-1] == {"event": "wrote", "path": str(tmp_path / "x.glb")}
    done = laptop.run(*words, "--method", "pictures", "--candidates", tmp_path / "looks")
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "looks").iterdir())) == 4
    left = laptop.run(*words, "--method", "words", "--detach")
    assert laptop.told("job", left.stdout.strip())["asked"]["seed"] == 9
    refused = laptop.refused("text", "x " * 200, "--method", "words", "--detach")
    assert refused == (2, "invalid_prompt")


def test_what_the_box_has_is_told(laptop: Laptop) -> None:
    methods = laptop.told("methods")
    assert "counter" in {method["name"] for method in methods["methods"]}
    told = laptop.told("devices")
    assert told["load"]["devices"]
    assert told["usage"]["max_unfinished"] == 50
    assert "of device time" in laptop.run("devices").stdout
    at_home = ("--data", laptop.box.data)
    assert laptop.told("devices", *at_home, backend="")["usage"]["max_unfinished"] == 0


def test_the_owner_sees_everybodys_jobs_and_says_who_goes_first(
    laptop: Laptop, synthetic_scene: SyntheticScene
) -> None:
    words = ("reconstruct", synthetic_scene.folder, *COUNTER, "--set", "steps=100000", "--detach")
    jobs = [laptop.told(*words)["job_id"] for _ in range(3)]
    assert laptop.refused("jobs", "--all") == (2, "not_authorised")
    assert laptop.refused("jobs", "--priority", jobs[2], "high") == (2, "not_authorised")
    at_home = ("--data", laptop.box.data)
    everybodys = laptop.told("jobs", "--priority", jobs[2], "high", *at_home, backend="")["jobs"]
    named = {each["job"]["job_id"]: each for each in everybodys}
    assert named[jobs[2]]["client"] == "laptop"
    assert named[jobs[2]]["job"]["position"] < named[jobs[1]]["job"]["position"]
    assert jobs[2] in laptop.run("jobs", "--all", *at_home, backend="").stdout
    assert laptop.told("jobs", *at_home, backend="")["jobs"] == [], "the owner's own"
    for job_id in reversed(jobs):
        laptop.told("cancel", job_id)


@pytest.mark.parametrize(
    ("words", "backend", "refusal"),
    [
        (("jobs",), "loft", (2, "user")),
        (("jobs",), "away", (3, "backend_lost")),
        (("jobs", "--data", "nowhere"), "", (2, "user")),
        (("job", "abc"), "attic", (2, "unknown_job")),
        (("methods", "magic"), "attic", (2, "unknown_method")),
        (("reconstruct", "SCENE", "--method", "magic", "--detach"), "attic", (2, "unknown_method")),
        (("reconstruct", "SCENE", "--detach"), "", (2, "user")),
        (("reconstruct", "SCENE"), "attic", (2, "user")),
        (
            ("reconstruct", "SCENE", "--detach", *COUNTER, "--set", "steps=no"),
            "attic",
            (2, "invalid_params"),
        ),
        (
            ("reconstruct", "SCENE", "--detach", *COUNTER, "--preset", "best"),
            "attic",
            (2, "invalid_params"),
        ),
    ],
    ids=str,
)
def test_each_mistake_has_its_code(
    laptop: Laptop,
    synthetic_scene: SyntheticScene,
    words: tuple[str, ...],
    backend: str,
    refusal: tuple[int, str],
) -> None:
    laptop.know("away", 9)
    words = tuple(str(synthetic_scene.folder) if word == "SCENE" else word for word in words)
    assert laptop.refused(*words, backend=backend) == refusal


def test_what_works_here_only_refuses_a_backend(laptop: Laptop) -> None:
    done = laptop.run("doctor")
    assert done.exit_code == 2
    assert "works on this machine only" in done.stderr
