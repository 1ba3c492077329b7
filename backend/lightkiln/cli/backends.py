# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln backends`: the backends that this machine is paired with, and how they are.

With --search also those that are announced on the network; without it nothing is asked there.
It must not know the protocol.
"""

from __future__ import annotations

import importlib
import time
from typing import Annotated

import typer
from lightkiln_shared.announcement import Announced
from lightkiln_shared.errors import LightkilnError

from . import known
from .remote import Remote, shown

SEARCH_SECONDS = 3.0


def backends(
    forget: Annotated[str, typer.Option(help="Name of one to forget.")] = "",
    search: Annotated[
        bool, typer.Option("--search", help="Listen which are announced on the network, too.")
    ] = False,
) -> None:
    """List the backends that were paired with, each with its devices if it answers."""
    kept = known.read()
    if forget:
        known.write(kept.without(forget))
        typer.echo(f"{forget} is forgotten. It still knows this machine: revoke that there.")
        return
    for name, backend in sorted(kept.backends.items()):
        typer.echo(f"{name}  {backend.address}  {_state(backend)}")
    if search:
        for announced in _announced():
            typer.echo(f"{announced.name}  {announced.addresses[0]}  {_about(announced, kept)}")
    elif not kept.backends:
        typer.echo("No backend is known. Pair with one: lightkiln pair --with ADDRESS")


def _state(backend: known.Backend) -> str:
    try:
        with Remote(backend.address, backend.fingerprint) as remote:
            devices = remote.hello(backend.token).devices
    except LightkilnError as error:
        return str(error)
    return ", ".join(shown(device.name) for device in devices)


def _announced() -> tuple[Announced, ...]:
    """Who is heard in some seconds; nothing of it is proved."""
    heard: list[tuple[Announced, ...]] = [()]
    discovery = importlib.import_module("lightkiln_shared.discovery")
    with discovery.Search(heard.append):
        time.sleep(SEARCH_SECONDS)
    return heard[-1]


def _about(announced: Announced, kept: known.Backends) -> str:
    name = kept.name_of(announced.server_id)
    if name:
        return f"announced; says that it is {name}"
    if not announced.speaks:
        return "announced; speaks another version of the protocol"
    return f"announced; pair with it: lightkiln pair --with {announced.addresses[0]}"
