# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed: `lightkiln COMMAND`. A command's file is imported when the command is called.

So `lightkiln --help` answers at once though `lightkiln worker` needs all of the backend. An error
that a person can mend is one sentence with a hint, and exit code 2.
It must not know what a command does.
"""

from __future__ import annotations

import importlib
from typing import Any

import typer
from lightkiln_shared.errors import LightkilnError, of_system
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "reconstruct": "Reconstruct a mesh from photographs, posed or not.",
    "align": "Find where photographs, or the frames of a video, were taken.",
    "convert": "Write a scene as a COLMAP model or as transforms.json.",
    "frames": "Take single frames from a video.",
    "texture": "Unwrap a mesh and bake photographs onto it.",
    "methods": "List the installed methods, or the parameters of one.",
    "evaluate": "Compare a mesh with the truth: Chamfer, F-score, normals.",
    "doctor": "Say what is missing on this machine, and what to do.",
    "serve": "Serve Blender on this machine, or with --lan on the network.",
    "pair": "Let a client use the server here, or use one elsewhere.",
    "clients": "List who may use the server here, or send one away.",
    "backends": "List the backends elsewhere that were paired with.",
    "web": "Print the link of the status page of the server here.",
    "worker": "Work on a job's folder; engines call this, people rarely.",
}
"""Each is a module here with a function of the same name."""
EXIT_CODE = 2


class LazyCommands(TyperGroup):
    """A group that imports a command's module when the command is called, not when it is listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(str(name)), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LightkilnError as error:
            raise _said(error) from None
        except BrokenPipeError:  # whoever read our output has gone: nothing of ours is wrong
            raise
        except OSError as error:
            raise _said(of_system(error)) from None


def _said(error: LightkilnError) -> typer.Exit:
    typer.secho(f"lightkiln: {error}", err=True, fg=typer.colors.RED)
    return typer.Exit(EXIT_CODE)


def load(name: str) -> Any:
    """Import a command."""
    module = importlib.import_module(f"{__name__}.{name}")
    single = typer.Typer(add_completion=False)
    single.command(name=name)(getattr(module, name))
    return typer.main.get_command(single)


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
