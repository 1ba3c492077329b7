# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln pair`: at a backend it shows a code, elsewhere it uses one.

It must not know the protocol.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.access import ListClients, OpenPairing
from lightkiln_shared.address import Address, Invitation, read_invitation
from lightkiln_shared.errors import UserError
from lightkiln_shared.pairing import checked_name, read_code, shown_code

from lightkiln.server.network import LOOPBACK, own_address

from . import known
from .at_home import data_folder, running_in
from .remote import Remote

LOOK_SECONDS = 0.5


def pair(
    invitation: Annotated[
        str,
        typer.Option(
            "--with",
            help="The connection string that a backend shows, or its address.",
            metavar="STRING|ADDRESS",
        ),
    ] = "",
    name: Annotated[str, typer.Option(help="What the backend shall be called here.")] = "",
    data: Annotated[Path | None, typer.Option(help="Data folder of the server here.")] = None,
) -> None:
    """Let one client use the server here; or, --with its string or address, use one elsewhere."""
    if not invitation and name:
        raise UserError("A name is for a backend elsewhere.", hint="Say which one with --with.")
    if invitation and data:
        raise UserError("--data is for the server here.", hint="Leave it out with --with.")
    if invitation:
        _join(read_invitation(invitation), name)
    else:
        _let_in(data_folder(data))


def _let_in(folder: Path) -> None:
    """Show a code until it has served, or is dead."""
    home = running_in(folder)
    with home.connect() as remote:
        before = {client.client_id for client in remote.ask(ListClients()).clients}
        opened = remote.ask(OpenPairing())
        address = Address(own_address() if home.lan else LOOPBACK, home.port)
        typer.echo(f"code    {shown_code(opened.code)}")
        typer.echo(f"string  {Invitation(address, home.fingerprint, opened.code)}")
        typer.echo(f"For one client, within {opened.seconds:.0f} s: paste the string, or type")
        typer.echo(f"the address {address} and the code.")
        if not home.lan:
            typer.echo("This server listens on this machine only: see --lan of `lightkiln serve`.")
        while True:
            asked = remote.ask(ListClients())
            for client in asked.clients:
                if client.client_id not in before:
                    typer.echo(f"paired  {client.name} ({client.client_id})")
                    return
            if not asked.code_seconds:
                raise UserError("Nobody has paired with this code.", hint="Show another one.")
            time.sleep(LOOK_SECONDS)


def _join(invitation: Invitation, name: str) -> None:
    """Use a code, typed now unless it was pasted."""
    backends = known.read()
    with Remote(invitation.address, invitation.fingerprint) as remote:
        code = invitation.code or read_code(typer.prompt("Code that the backend shows"))
        fingerprint = remote.fingerprint
    if name and not backends.is_free(checked_name(name), fingerprint):
        raise UserError(
            f"Another backend is known as {name!r} already.",
            hint="Give this one another name with --name, or forget the other one.",
        )
    with Remote(invitation.address, fingerprint) as remote:  # a stranger is not kept for long
        paired = remote.pair(code, checked_name(socket.gethostname()[:64]))
    wanted = checked_name(name or paired.name or str(invitation.address))
    called = backends.free_name(wanted, fingerprint)  # the code is used up by now
    backend = known.Backend(address=invitation.address, fingerprint=fingerprint, token=paired.token)
    known.write(backends.with_one(called, backend))
    typer.echo(f"Paired with {called} at {invitation.address}.")
