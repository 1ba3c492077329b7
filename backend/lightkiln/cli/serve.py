# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln serve`: the server that Blender talks to. It must not know the protocol."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import sys
from functools import partial

from lightkiln_shared.address import DEFAULT_PORT, MAX_PORT
from lightkiln_shared.errors import UserError
from lightkiln_shared.pairing import checked_name
from platformdirs import user_data_path

from lightkiln.server.app import Beside, ServerConfig
from lightkiln.server.app import serve as run_server
from lightkiln.server.engine import LOCAL, chosen
from lightkiln.server.tokens import checked_token

from . import serve_options as options

LAN = "Give --lan too, or leave --name out."


def serve(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    data: options.Data = None,
    port: options.Port = None,
    lan: options.Lan = False,
    name: options.Name = "",
    announce: options.Announce = False,
    web: options.Web = False,
    web_lan: options.WebLan = False,
    web_port: options.WebPort = options.PAGE_PORT,
    token_from_stdin: options.TokenFromStdin = False,
    idle_exit: options.IdleExit = 0.0,
    min_free_mb: options.MinFree = 1000,
    executor: options.Engine = LOCAL,
    ray_address: options.RayAddress = "",
    shared: options.Shared = None,
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


def _check(port: int | None, *, lan: bool, name: str, announce: bool, idle_exit: float) -> None:
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
