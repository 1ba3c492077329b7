# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of `lightkiln serve`, as they are typed. It must not know what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.address import DEFAULT_PORT, MAX_PORT

PAGE_PORT = DEFAULT_PORT + 1

Data = Annotated[Path | None, typer.Option(help="Folder of the jobs and the files they share.")]
Port = Annotated[
    int | None, typer.Option(help=f"0: any free one, as without --lan; {DEFAULT_PORT} with it.")
]
Lan = Annotated[
    bool, typer.Option("--lan", help="Listen on the network too, for clients that are paired.")
]
Name = Annotated[
    str, typer.Option(help="What this backend is called on the network; its own name if empty.")
]
Announce = Annotated[
    bool, typer.Option("--announce", help="Tell the network that it is here (multicast DNS).")
]
Web = Annotated[
    bool, typer.Option("--web", help="Also a status page for browsers on this machine.")
]
WebLan = Annotated[
    bool, typer.Option("--web-lan", help="The same, for browsers on the network too.")
]
WebPort = Annotated[
    int, typer.Option(min=0, max=MAX_PORT, help="The status page's port; 0: any free one.")
]
TokenFromStdin = Annotated[
    bool, typer.Option("--token-from-stdin", help="Read the token as a line of the input.")
]
IdleExit = Annotated[
    float, typer.Option(help="Seconds without clients and work until it ends; 0: never.")
]
MinFree = Annotated[int, typer.Option(help="Megabytes of the disk that are never used.")]
Engine = Annotated[str, typer.Option(help="What jobs run on: local, or ray for a cluster.")]
RayAddress = Annotated[
    str, typer.Option(help="The cluster's head, HOST:PORT; auto: the one on this machine.")
]
Shared = Annotated[Path | None, typer.Option(help="Folder that all machines of the cluster see.")]
