# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers on the machines of a Ray cluster: for each job a detached actor, named after its folder.

Ray places, watches and says when a machine is gone; who may have jobs, in what order, and what
becomes of a lost one is the queue's affair as with one machine. Actors outlive the server, which
finds them again by their names. Folders must lie on storage that all machines see at the same path.
Ray is imported when a cluster is asked for; whoever talks to it must have the cluster's token.
It must not know what a job is.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lightkiln_shared.errors import ResourceError, UserError
from lightkiln_shared.messages import Device

from . import GONE
from .devices import Slot
from .local import KILL_AFTER
from .ray_actor import PROOF, JobActor, Sight, look_around

NAMESPACE = "lightkiln"
CONNECT_TRIES = "3"
"""Each waits a second for a cluster that refuses, many for one that is not there."""
LOOK_SECONDS = 120.0
"""In which every machine must have looked into the shared folder."""
NAME_SECONDS = 10.0
"""Until an actor that was killed has given its name back."""
MARGIN_SECONDS = 3.0
"""For an actor's answer, over what its worker needs; one that does not answer is killed."""
UNKNOWN_GPU = Device(name="GPU", kind="cuda", memory_mb=0)


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster, as Ray lists it."""

    id: str
    name: str
    cpus: int
    gpus: int


class RayExecutor:
    """Satisfies `Executor`; connects when it is made. `UserError` says what is wrong."""

    def __init__(self, address: str, shared: Path) -> None:
        self._ray = _connected(address)
        self._nodes = tuple(_nodes(self._ray))
        sights = _sights(self._ray, self._nodes, shared)
        self._actor = self._ray.remote(JobActor)
        self._cpus = {kind: _cpus(self._nodes, kind) for kind in ("cpu", "cuda")}
        self.slots = tuple(_slots(self._nodes, sights))
        """Of the whole cluster as it was found, GPUs first."""

    async def start(self, folder: Path, slot: Slot) -> RayWorker:
        return await asyncio.to_thread(self._start, folder, slot)

    async def find(self, folder: Path) -> RayWorker | None:
        return await asyncio.to_thread(self._find, folder)

    def _start(self, folder: Path, slot: Slot) -> RayWorker:
        kind = slot.device.kind
        actor = self._actor.options(
            name=_name(folder),
            lifetime="detached",
            num_gpus=slot.count if kind == "cuda" else 0,
            num_cpus=self._cpus[kind] * (slot.count if kind == "cuda" else 1),
        )
        deadline = time.monotonic() + NAME_SECONDS
        while True:
            try:
                return RayWorker(self._ray, actor.remote(str(folder), kind))
            except ValueError as error:  # the job's last actor still has the name
                if time.monotonic() > deadline:
                    raise OSError(f"the cluster still has the job's last worker: {error}") from None
                time.sleep(0.1)

    def _find(self, folder: Path) -> RayWorker | None:
        with contextlib.suppress(ValueError):
            return RayWorker(self._ray, self._ray.get_actor(_name(folder), NAMESPACE))
        return None


class RayWorker:
    """Satisfies `WorkerHandle`: asks the actor, and gives its place back in the end."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor
        self._code: int | None = None
        self._asked = actor.wait.remote()  # now: the actor must begin even if we are killed

    async def wait(self) -> int:
        while self._code is None:
            try:
                self._code = await self._asked
            except self._ray.exceptions.ActorUnavailableError:
                await asyncio.sleep(0.5)
                self._asked = self._actor.wait.remote()
            except self._ray.exceptions.RayError:
                self._code = GONE
        return self._code

    async def stop(self, grace: float) -> None:
        await self._end(self._actor.stop.remote(grace), grace + 2.0 * KILL_AFTER)

    async def kill(self, grace: float) -> None:
        await self._end(self._actor.kill.remote(grace), grace)

    async def release(self) -> None:
        """It goes on without us."""

    async def _end(self, answer: Any, seconds: float) -> None:
        if self._code is None:
            with contextlib.suppress(TimeoutError, self._ray.exceptions.RayError):
                self._code = await asyncio.wait_for(answer, seconds + MARGIN_SECONDS)
        self._ray.kill(self._actor)
        self._code = GONE if self._code is None else self._code


def _connected(address: str) -> Any:
    """The module `ray`, connected."""
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", CONNECT_TRIES)
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError:
        raise UserError("Ray is not installed.", hint="pip install 'lightkiln[ray]'") from None
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
    except ray.exceptions.AuthenticationError:
        raise UserError(
            "The Ray cluster's token is not known here.",
            hint="Set RAY_AUTH_TOKEN_PATH, or copy it to ~/.ray/auth_token.",
        ) from None
    except (ConnectionError, ray.exceptions.RayError):
        raise UserError(
            f"No Ray cluster at {address} lets this server in.",
            hint="Does it run, with the same versions, and is the token here its token?",
        ) from None
    return ray


def _nodes(ray: Any) -> Iterator[Node]:
    """The machines that take work, those with GPUs first."""
    found = []
    for node in ray.nodes():
        has = node["Resources"]
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        cpus, gpus = int(has.get("CPU", 0.0)), int(has.get("GPU", 0.0))
        if node["Alive"] and (cpus or gpus):
            found.append(Node(node["NodeID"], name, cpus, gpus))
    if not found:
        raise ResourceError("The Ray cluster has no machine that takes work.")
    return iter(sorted(found, key=lambda node: (-node.gpus, node.id)))


def _sights(ray: Any, nodes: tuple[Node, ...], shared: Path) -> tuple[Sight, ...]:
    """What each machine sees; `UserError` if one cannot be used."""
    pinned = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    look, proof = ray.remote(look_around), secrets.token_hex(16)
    (shared / PROOF).write_text(proof, encoding="ascii")
    asked = [
        look.options(num_cpus=0, scheduling_strategy=pinned(node.id, soft=False)).remote(
            str(shared), node.id
        )
        for node in nodes
    ]
    try:
        sights: tuple[Sight, ...] = tuple(ray.get(asked, timeout=LOOK_SECONDS))
    except ray.exceptions.RayError as error:
        raise ResourceError(
            f"A machine of the Ray cluster does not answer: {error}.",
            hint="Is Lightkiln installed there, of the same version?",
        ) from None
    for node, sight in zip(nodes, sights, strict=True):
        _check(node, sight, proof, shared)
    for path in shared.glob(f"{PROOF}*"):
        path.unlink()
    return sights


def _check(node: Node, sight: Sight, proof: str, shared: Path) -> None:
    answer = shared / f"{PROOF}.{node.id}"
    if sight.proof != proof or not answer.exists() or answer.read_text("ascii") != proof:
        raise UserError(
            f"The folder {shared} is not shared with {node.name}.",
            hint="Mount the same storage there at the same path, or name another with --shared.",
        )
    if not sight.is_guarded:
        raise UserError(
            "The Ray cluster takes orders from everybody.",
            hint="Start it with RAY_AUTH_MODE=token; docs/gpu_box.md says how.",
        )


def _cpus(nodes: tuple[Node, ...], kind: str) -> int:
    """Cores for a worker, so many that no machine is asked for more than it has."""
    shares = [
        node.cpus // max(node.gpus, 1) for node in nodes if (kind == "cuda") == (node.gpus > 0)
    ]
    return min(shares, default=1)


def _slots(nodes: tuple[Node, ...], sights: tuple[Sight, ...]) -> Iterator[Slot]:
    """A GPU is room for one worker, and so is a machine without one."""
    for node, sight in zip(nodes, sights, strict=True):
        gpus = [device for device in sight.devices if device.kind == "cuda"]
        gpus = list(islice([*gpus, *[UNKNOWN_GPU] * node.gpus], node.gpus))
        for number, device in enumerate(gpus or sight.devices[:1]):
            yield Slot(device=device, visible=f"{node.id}/{number}", machine=node.id)


def _name(folder: Path) -> str:
    return f"lightkiln-{folder.name}"
