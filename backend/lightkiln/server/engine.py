# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server's jobs run on: this machine, or a Ray cluster with storage that it shares.

    SHARED/lightkiln-SERVER_ID/jobs files     of one server

The list of jobs stays in the data folder: a database is not for storage that is shared.

It must not know jobs or clients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lightkiln_shared.errors import UserError, of_system

from lightkiln.executors import Executor, Slot
from lightkiln.executors.devices import find_slots
from lightkiln.executors.local import LocalExecutor
from lightkiln.executors.ray_cluster import RayExecutor

LOCAL, RAY = "local", "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where workers run, and what there is for them."""

    executor: Executor
    slots: tuple[Slot, ...]
    shared: Path | None = None
    """Where jobs and files lie if not in the data folder."""


Choice = Callable[[str], Engine]
"""Makes the engine for the server of an id."""


def this_machine(_: str) -> Engine:
    """A process for each job."""
    return Engine(executor=LocalExecutor(), slots=find_slots())


def chosen(executor: str, ray_address: str, shared: Path | None) -> Choice:
    """What was typed as a choice; `UserError` if it does not fit together."""
    if executor == LOCAL:
        if ray_address or shared is not None:
            raise UserError(
                "An address of Ray and a shared folder are for clusters.",
                hint="Give --executor ray.",
            )
        return this_machine
    if executor != RAY:
        raise UserError(f"There is no executor {executor!r}.", hint=f"Use {LOCAL} or {RAY}.")
    if shared is None:
        raise UserError(
            "A cluster needs a folder that all of its machines see at the same path.",
            hint="Name it with --shared.",
        )
    return partial(_ray_cluster, ray_address or "auto", shared)


def _ray_cluster(address: str, shared: Path, server_id: str) -> Engine:
    own = shared.absolute() / f"lightkiln-{server_id}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise of_system(error) from None
    cluster = RayExecutor(address, own)
    return Engine(executor=cluster, slots=cluster.slots, shared=own)
