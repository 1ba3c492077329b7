# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln clients`: who may use the server here, and who no longer.

It must not know the protocol.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.access import ClientInfo, ListClients, RevokeClient
from lightkiln_shared.errors import UserError
from lightkiln_shared.sharing import ListUsages, Taken

from .at_home import data_folder, running_in
from .words import duration, size


def clients(
    revoke: Annotated[str, typer.Option(help="Id or name of a client to send away.")] = "",
    data: Annotated[Path | None, typer.Option(help="Data folder of the server here.")] = None,
) -> None:
    """List the clients that are paired with the server here, or send one away."""
    with running_in(data_folder(data)).connect() as remote:
        listed = remote.ask(ListClients()).clients
        taken = {each.client_id: each.taken for each in remote.ask(ListUsages()).usages}
        if revoke:
            gone = _chosen(listed, revoke)
            remote.ask(RevokeClient(client_id=gone.client_id))
            typer.echo(f"{gone.name} ({gone.client_id}) is not let in any more.")
            return
    for client in listed:
        seen = f"seen {_day(client.last_seen)}" if client.last_seen else "not seen since"
        paired = f"{client.client_id}  {client.name}  paired {_day(client.paired)}  {seen}"
        typer.echo(f"{paired}  {_what(taken.get(client.client_id))}".rstrip())
    if not listed:
        typer.echo("No client is paired. Let one in with: lightkiln pair")


def _chosen(listed: tuple[ClientInfo, ...], wanted: str) -> ClientInfo:
    found = [client for client in listed if wanted in (client.client_id, client.name)]
    if not found:
        raise UserError(f"No client is called {wanted!r}.", hint="`lightkiln clients` lists them.")
    if len(found) > 1:
        raise UserError(f"{len(found)} clients are called {wanted!r}.", hint="Give the one's id.")
    return found[0]


def _what(taken: Taken | None) -> str:
    if taken is None:
        return ""  # it came between the two questions
    used = f"{duration(taken.device_seconds)} of device time of late"
    return f"unfinished jobs: {taken.unfinished}, {size(taken.disk_bytes)} of disk, {used}"


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
