# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln web`: the link that opens the status page of the server here.

It must not know the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import UserError

from .at_home import data_folder, running_in


def web(
    data: Annotated[Path | None, typer.Option(help="Data folder of the server here.")] = None,
) -> None:
    """Print the link that opens the status page; whoever has it sees the jobs of everybody."""
    link = running_in(data_folder(data)).page
    if not link:
        raise UserError(
            "The server here has no status page.", hint="Start it with --web, or with --web-lan."
        )
    typer.echo(link)
