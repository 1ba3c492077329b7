# SPDX-License-Identifier: GPL-3.0-or-later
"""Ray's ports as an artist's machine sees them: `python -m campaigns.ray_ports` (Linux, root, nft).

Two hosts on one machine: the box, with Ray's head and a server that uses it, and a laptop. Every
port on which Ray listens is tried from the laptop, and again once `packaging/ray.nft` holds: then
none may answer, and the server must, which has asked the cluster for its devices meanwhile.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import running_server
from lightkiln_shared.address import DEFAULT_PORT
from namespaces import Host, two_hosts
from ray_cluster import OBJECTS, RAY, Node

from benchmarks.machine import ROOT
from campaigns.results import expect, keep

RULES = ROOT / "packaging" / "ray.nft"
HEAD = 6379
SECONDS = 120.0
TOKEN = secrets.token_hex(32)
LISTENING = re.compile(r"^LISTEN\s+\d+\s+\d+\s+(\S+):(\d+)\s", re.MULTILINE)
TRY = """
import socket, sys
for port in sys.argv[2:]:
    with socket.socket() as line:
        line.settimeout(1.0)
        print(port if line.connect_ex((sys.argv[1], int(port))) == 0 else "")
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="r") as folder, two_hosts() as (box, laptop):
        nodes: list[Node] = []
        try:
            nodes.append(_head(box, Path(folder)))
            rays = _ports(box)
            before = _reached(laptop, box, rays)
            _shut(box, Path(folder))
            nodes.append(_server(box, Path(folder)))
            after = _reached(laptop, box, {*rays, *_ports(box)} - {DEFAULT_PORT})
            served = _reached(laptop, box, {DEFAULT_PORT})
        finally:
            for node in reversed(nodes):
                node.kill()
    expect(len(before) == len(rays) > 2, f"Ray listens on {rays}, of which {before} answered")
    expect(not after, f"ports of Ray answer: {after}")
    expect(served == {DEFAULT_PORT}, "the server does not answer")
    keep("D5-ports", open=len(before), shut=len(rays))


def _shut(box: Host, folder: Path) -> None:
    rules = folder / RULES.name
    rules.write_text(RULES.read_text().replace("lan0", f"lk-{box.name}"))
    _run(box, "nft", "-f", str(rules))


def _head(box: Host, folder: Path) -> Node:
    words = ["--head", "--port", str(HEAD), "--include-dashboard", "false", "--num-cpus", "2"]
    words += ["--temp-dir", str(folder / "t"), "--object-store-memory", str(OBJECTS)]
    words += ["--node-ip-address", "127.0.0.1"]  # it makes no difference to who may come
    environment = _environment(folder)
    head = Node(box.words(str(RAY), "start", "--block", *words), environment, folder / "ray.log")
    head.wait_until_it_runs()
    return head


def _server(box: Host, folder: Path) -> Node:
    """`lightkiln serve --lan`, for the cluster."""
    (folder / "shared").mkdir()
    words = [sys.executable, "-m", "lightkiln", "serve", "--lan", "--name", "attic"]
    words += ["--data", str(folder / "data"), "--shared", str(folder / "shared")]
    words += ["--executor", "ray", "--ray-address", f"127.0.0.1:{HEAD}"]
    node = Node(box.words(*words), _environment(folder), folder / "server.log")
    end = time.monotonic() + SECONDS
    while not (folder / "data" / "server.json").exists():
        expect(time.monotonic() < end, (folder / "server.log").read_text())
        time.sleep(0.1)
    return node


def _environment(folder: Path) -> dict[str, str]:
    return {
        **running_server.environment(),
        "HOME": str(folder),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "120",  # the machine may be busy
    }


def _ports(box: Host) -> set[int]:
    """What anything on the box listens to, on other addresses than its own loopback."""
    found = LISTENING.findall(_run(box, "ss", "-tln"))
    return {int(port) for address, port in found if not address.startswith(("127.", "[::1]"))}


def _reached(laptop: Host, box: Host, ports: set[int]) -> set[int]:
    """Those of the box's ports that let the laptop in."""
    words = [sys.executable, "-c", TRY, box.address, *map(str, sorted(ports))]
    return {int(port) for port in _run(laptop, *words).split()}


def _run(host: Host, *words: str) -> str:
    return subprocess.run(host.words(*words), check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
