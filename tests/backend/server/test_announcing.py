# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is heard on the network, and who keeps still: two hosts, real servers, real multicast."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import running_server
from namespaces import Host, Unavailable, two_hosts

LIGHTKILN = (sys.executable, "-m", "lightkiln")
FOUND_SECONDS = 2.0
GONE_SECONDS = 2.0
SEARCH = """
import json, sys, time
from lightkiln_shared.discovery import Search
def tell(found):
    rows = [[a.name, a.server_id, a.addresses[0].port] for a in found]
    sys.stdout.write(json.dumps(rows) + "\\n")
    sys.stdout.flush()
print("begin", flush=True)
with Search(tell):
    time.sleep(60)
"""


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with ExitStack() as stack:
        try:
            pair = stack.enter_context(two_hosts())
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield pair


@contextmanager
def running(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with the block, and a pipe to read what it says."""
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=running_server.environment(),
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, "it ended"
    return said


@contextmanager
def serving(host: Host, data: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A server on a host, from when it listens."""
    words = [*LIGHTKILN, "serve", "--data", str(data), *options]
    with running(host.words(*words)) as process:
        line_of(process)
        yield process


def said(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "server.json").read_text())
    return found


def test_servers_of_one_name_are_both_found_and_gone_with_a_goodbye(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    box, artist = hosts
    lan = ("--lan", "--announce", "--name", "attic")
    with (
        serving(box, tmp_path / "one", *lan, "--port", "7417"),
        serving(box, tmp_path / "two", *lan, "--port", "7418") as second,
        running(artist.words(sys.executable, "-c", SEARCH)) as search,
    ):
        ids = {said(tmp_path / name)["server_id"]: name for name in ("one", "two")}
        time.sleep(2.0)  # they make sure first that nobody else is called so
        assert line_of(search) == "begin\n"
        begun, found = time.monotonic(), []
        while len(found) < 2:
            found = json.loads(line_of(search))
        assert time.monotonic() - begun < FOUND_SECONDS
        assert [name for name, _, _ in found] == ["attic", "attic"]
        assert {ids[server_id] for _, server_id, _ in found} == {"one", "two"}
        assert {port for _, _, port in found} == {7417, 7418}
        second.terminate()
        begun = time.monotonic()
        while len(found) > 1:
            found = json.loads(line_of(search))
        assert time.monotonic() - begun < GONE_SECONDS
        assert found[0][2] == 7417


def test_what_was_not_asked_to_announce_keeps_still_and_is_found_by_its_address(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    box, artist = hosts
    before = box.sent()
    with serving(box, tmp_path / "here"), serving(box, tmp_path / "lan", "--lan"):
        time.sleep(1.0)
        assert box.sent() == before, "not a single packet left the machine"
        with running(box.words(*LIGHTKILN, "pair", "--data", str(tmp_path / "lan"))) as owner:
            line_of(owner)
            string = line_of(owner).split()[1]
            assert f"{box.address}:7417" in string
            paired = subprocess.run(
                artist.words(*LIGHTKILN, "pair", "--with", string),
                env={**running_server.environment(), "XDG_CONFIG_HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                check=True,
            )
            assert paired.stdout.startswith("Paired with ")
