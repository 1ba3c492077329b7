# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Ray cluster of several nodes on this machine, each a tree of processes that can be killed.

Its token, its home and its temporary files are its own.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import running_server

RAY = Path(sys.executable).with_name("ray")
START_SECONDS = 60.0
OBJECTS = 80_000_000
"""Bytes of memory for Ray's objects, of which there are none."""


class Node:
    """`ray start --block` and all that it has started."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=file, start_new_session=True
            )

    def wait_until_it_runs(self) -> None:
        end = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in self._log.read_text():
            assert time.monotonic() < end and self.process.poll() is None, self._log.read_text()
            time.sleep(0.1)

    def tree(self) -> list[psutil.Process]:
        """Its processes, the workers of its jobs among them."""
        try:
            return [*psutil.Process(self.process.pid).children(recursive=True), self._itself()]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """As a loss of power would."""
        doomed = self.tree()
        for process in doomed:
            process.suspend()  # so that nothing can be started or said meanwhile
        for process in doomed:
            process.kill()
        self.process.wait()

    def _itself(self) -> psutil.Process:
        return psutil.Process(self.process.pid)


class Cluster:
    """A head that takes no jobs, unless it is the only node."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.token = folder, token
        self.address = f"{_own_address()}:{_free_port()}"
        self.nodes: list[Node] = []
        self._temporary = Path(tempfile.mkdtemp(prefix="r"))  # names of sockets must be short
        self.environment = {
            **running_server.environment(),
            "HOME": str(folder),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "120",  # the machine may be busy
            "RAY_worker_niceness": "0",  # 15 by itself
        }

    def start_head(self, cpus: int, gpus: int = 0) -> Node:
        words = ["--head", "--port", self.address.rpartition(":")[2]]
        words += ["--include-dashboard", "false", "--temp-dir", str(self._temporary)]
        return self._start(words, cpus, gpus)

    def start_node(self, cpus: int, gpus: int = 0, within: tuple[str, ...] = ()) -> Node:
        """`within`: a command that runs another one."""
        node = self._start(["--address", self.address], cpus, gpus, within)
        self.nodes.append(node)
        return node

    def _start(self, words: list[str], cpus: int, gpus: int, within: tuple[str, ...] = ()) -> Node:
        command = [*within, str(RAY), "start", "--block", *words, "--num-cpus", str(cpus)]
        command += ["--num-gpus", str(gpus), "--object-store-memory", str(OBJECTS)]
        log = self.folder / f"node{secrets.token_hex(4)}.log"
        node = Node(command, self.environment, log)
        self.started = [*getattr(self, "started", []), node]
        node.wait_until_it_runs()
        return node

    def stop(self) -> None:
        for node in reversed(self.started):
            if node.process.poll() is None:
                node.kill()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def serve(self, data: Path, shared: Path) -> running_server.RunningServer:
        """A server for it; its log goes to `DATA/../server.log`."""
        return running_server.start(
            data,
            *("--executor", "ray", "--ray-address", self.address, "--shared", str(shared)),
            variables=self.environment,
        )


@contextmanager
def cluster(folder: Path, token: str = "") -> Iterator[Cluster]:
    made = Cluster(folder, token or secrets.token_hex(32))
    try:
        yield made
    finally:
        made.stop()


def _own_address() -> str:
    """Ray takes this one whatever it is told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))  # nothing is sent
        return str(asking.getsockname()[0])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])
