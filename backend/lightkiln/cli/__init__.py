# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed: `lightkiln COMMAND`. A command's file is imported when the command is called.

So `lightkiln methods` answers at once though `lightkiln worker` needs all of the backend. An error
that a person can mend is one sentence with a hint, and exit code 2.
It must not know what a command does.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from lightkiln_shared.errors import LightkilnError
from typer.core import TyperGroup

COMMANDS = ("reconstruct", "methods", "evaluate", "doctor", "serve", "worker")
"""Each is a module here with a function of the same name."""
EXIT_CODE = 2


class LazyCommands(TyperGroup):
    """A group that imports a command's module when it is asked for the command."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        single = typer.Typer(add_completion=False)
        single.command(name=cmd_name)(getattr(module, cmd_name))
        return typer.main.get_command(single)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LightkilnError as error:
            typer.secho(f"lightkiln: {error}", err=True, fg=typer.colors.RED)
            raise typer.Exit(EXIT_CODE) from None


app = typer.Typer(
    cls=LazyCommands,
    name="lightkiln",
    help="Photographs to solid, coloured meshes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """Photographs to solid, coloured meshes."""
