# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln devices`: what a backend computes on, how busy it is, and what one may take of it.

It must not know the protocol.
"""

from __future__ import annotations

import typer
from lightkiln_shared.sharing import AskLoad, AskUsage

from .line import Data, chosen
from .telling import Json, print_json
from .words import duration, shown, size


def devices(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """List a backend's devices, its queue, and what you take of it."""
    line = chosen(context, data)
    load, usage = line.ask(AskLoad()), line.ask(AskUsage())
    if as_json:
        print_json({"load": load, "usage": usage})
        return
    for each in load.devices:
        free = f", {each.free_mb / 1000:.1f} GB free" if each.free_mb else ""
        memory = f"{each.device.memory_mb / 1000:.0f} GB"
        typer.echo(f"{shown(each.device.name)}, {memory}{free}")
    typer.echo(f"worked on: {load.running}, waiting: {load.queued}")
    taken = usage.taken
    most = f" of {usage.max_unfinished}" if usage.max_unfinished else ""
    room = f" of {size(usage.max_disk_bytes)}" if usage.max_disk_bytes else ""
    typer.echo(f"yours: unfinished jobs {taken.unfinished}{most}")
    typer.echo(f"       {size(taken.disk_bytes)}{room} of disk")
    typer.echo(f"       {duration(taken.device_seconds)} of device time of late")
