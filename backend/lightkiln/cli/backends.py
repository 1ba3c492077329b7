# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln backends`: the backends that this machine is paired with, and how they are.

It must not know the protocol.
"""

from __future__ import annotations

from typing import Annotated

import typer
from lightkiln_shared.errors import LightkilnError

from . import known
from .remote import Remote, shown


def backends(
    forget: Annotated[str, typer.Option(help="Name of one to forget.")] = "",
) -> None:
    """List the backends that were paired with, each with its devices if it answers."""
    kept = known.read()
    if forget:
        known.write(kept.without(forget))
        typer.echo(f"{forget} is forgotten. It still knows this machine: revoke that there.")
        return
    for name, backend in sorted(kept.backends.items()):
        typer.echo(f"{name}  {backend.address}  {_state(backend)}")
    if not kept.backends:
        typer.echo("No backend is known. Pair with one: lightkiln pair --with ADDRESS")


def _state(backend: known.Backend) -> str:
    try:
        with Remote(backend.address, backend.fingerprint) as remote:
            devices = remote.hello(backend.token).devices
    except LightkilnError as error:
        return str(error)
    return ", ".join(shown(device.name) for device in devices)
