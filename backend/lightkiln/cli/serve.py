# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln serve`: the server that Blender talks to. It must not know the protocol."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.address import DEFAULT_PORT, MAX_PORT
from lightkiln_shared.errors import UserError
from lightkiln_shared.pairing import checked_name
from platformdirs import user_data_path

from lightkiln.server.app import Beside, ServerConfig
from lightkiln.server.app import serve as run_server
from lightkiln.server.engine import LOCAL, chosen
from lightkiln.server.tokens import checked_token

PAGE_PORT = DEFAULT_PORT + 1
LAN = "Give --lan too, or leave --name out."


def serve(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    data: Annotated[
        Path | None, typer.Option(help="Folder of the jobs and the files they share.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help=f"0: any free one, as without --lan; {DEFAULT_PORT} with it.")
    ] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Listen on the network too, for clients that are paired.")
    ] = False,
    name: Annotated[
        str, typer.Option(help="What this backend is called on the network; its own name if empty.")
    ] = "",
    web: Annotated[
        bool, typer.Option("--web", help="Also a status page for browsers on this machine.")
    ] = False,
    web_lan: Annotated[
        bool, typer.Option("--web-lan", help="The same, for browsers on the network too.")
    ] = False,
    web_port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="The status page's port; 0: any free one.")
    ] = PAGE_PORT,
    announce: Annotated[
        bool, typer.Option("--announce", help="Tell the network that it is here (multicast DNS).")
    ] = False,
    token_from_stdin: Annotated[
        bool, typer.Option("--token-from-stdin", help="Read the token as a line of the input.")
    ] = False,
    idle_exit: Annotated[
        float, typer.Option(help="Seconds without clients and work until it ends; 0: never.")
    ] = 0.0,
    min_free_mb: Annotated[
        int, typer.Option(help="Megabytes of the disk that are never used.")
    ] = 1000,
    executor: Annotated[
        str, typer.Option(help="What jobs run on: local, or ray for a cluster.")
    ] = LOCAL,
    ray_address: Annotated[
        str, typer.Option(help="The cluster's head, HOST:PORT; auto: the one on this machine.")
    ] = "",
    shared: Annotated[
        Path | None, typer.Option(help="Folder that all machines of the cluster see.")
    ] = None,
) -> None:
    """Serve Blender on this machine; prints one line of JSON when it listens.

    With --lan it serves paired clients on the network, and prints where and what for people.
    """
    _check(port, lan=lan, name=name, announce=announce, idle_exit=idle_exit)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    token = checked_token(sys.stdin.readline()) if token_from_stdin else ""
    config = ServerConfig(
        data=data or user_data_path("lightkiln", appauthor=False),
        port=(DEFAULT_PORT if lan else 0) if port is None else port,
        token=token,
        idle_exit=idle_exit,
        min_free_mb=min_free_mb,
        lan=lan,
        name=checked_name(name or socket.gethostname()) if lan else "",
        announce=announce,
        engine=chosen(executor, ray_address, shared),
    )
    beside = _page(config, web_port, lan=web_lan) if web or web_lan else None
    asyncio.run(run_server(config, beside))


def _page(config: ServerConfig, port: int, *, lan: bool) -> Beside:
    """The status page, whose packages a server without it need not have."""
    try:
        link = importlib.import_module("lightkiln.status_page.link")
    except ModuleNotFoundError as error:
        raise UserError(
            f"The status page needs a package that is not here: {error.name}.",
            hint="Install the extra: pip install 'lightkiln[web]'.",
        ) from None
    page = link.PageConfig(
        data=config.data, name=config.name or socket.gethostname(), port=port, lan=lan
    )
    beside: Beside = partial(link.status_page, page)
    return beside


def _check(
    port: int | None, *, lan: bool, name: str, announce: bool, idle_exit: float
) -> None:
    if name and not lan:
        raise UserError(
            "Nobody can see the name of a backend that is not on the network.", hint=LAN
        )
    if announce and not lan:
        raise UserError(
            "A backend that is not on the network cannot be announced there.",
            hint="Give --lan too, or leave --announce out.",
        )
    if lan and idle_exit:
        raise UserError(
            "A backend on the network does not end by itself.", hint="Leave --idle-exit out."
        )
    if port is not None and not 0 <= port <= MAX_PORT:
        raise UserError(f"A port is a number from 1 to {MAX_PORT}, or 0 for any free one.")
