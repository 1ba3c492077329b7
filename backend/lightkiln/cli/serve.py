# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln serve`: the server that Blender talks to. It must not know the protocol."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from lightkiln.server.app import ServerConfig
from lightkiln.server.app import serve as run_server
from lightkiln.server.tokens import checked_token


def serve(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the jobs and the files they share.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0: any free one.")] = 0,
    token_from_stdin: Annotated[
        bool, typer.Option("--token-from-stdin", help="Read the token as a line of the input.")
    ] = False,
    idle_exit: Annotated[
        float, typer.Option(help="Seconds without clients and work until it ends; 0: never.")
    ] = 0.0,
    min_free_mb: Annotated[
        int, typer.Option(help="Megabytes of the disk that are never used.")
    ] = 1000,
) -> None:
    """Serve Blender on this machine; prints one line of JSON when it listens."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    token = checked_token(sys.stdin.readline()) if token_from_stdin else ""
    config = ServerConfig(
        data=data or user_data_path("lightkiln", appauthor=False),
        port=port,
        token=token,
        idle_exit=idle_exit,
        min_free_mb=min_free_mb,
    )
    asyncio.run(run_server(config))
