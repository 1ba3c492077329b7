# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed: `lightkiln COMMAND`. A command's file is imported when the command is called.

So `lightkiln --help` answers at once though `lightkiln worker` needs all of the backend. An error
that a person can mend is one sentence with a hint, or with `--json` a document, and an exit code.
It must not know what a command does.
"""

from __future__ import annotations

import importlib
import json
from typing import Annotated, Any

import typer
from lightkiln_shared.errors import BackendLost, LightkilnError, UserError, of_system
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "reconstruct": "Reconstruct a mesh from photographs, posed or not.",
    "text": "Make a mesh of words, or pictures of what may come of them.",
    "generate": "Make a mesh of a seed alone, by a network that has learned shapes.",
    "align": "Find where photographs, or the frames of a video, were taken.",
    "convert": "Write a scene as a COLMAP model or as transforms.json.",
    "frames": "Take single frames from a video.",
    "texture": "Unwrap a mesh and bake photographs onto it.",
    "segment": "Find the object in each photograph: masks.",
    "methods": "List the installed methods, or the parameters of one.",
    "jobs": "List the jobs on a backend.",
    "job": "Say how a job on a backend stands and what it has left.",
    "follow": "Watch a job on a backend until it is over.",
    "fetch": "Bring what a job on a backend has made here.",
    "cancel": "Stop a job on a backend, or come to the mesh so far.",
    "pause": "Save a job's state and free its device.",
    "resume": "Go on where a job was paused.",
    "retry": "Run a failed or cancelled job again.",
    "delete": "Delete a job that is over, and its files.",
    "keep": "Never delete a job to make room, or because it is old.",
    "devices": "List a backend's devices, its queue, and what you take of it.",
    "dataset": "Make what the learned methods are taught with.",
    "train": "Teach a learned method, or the built-in prior, anew.",
    "lighten": "Write a learned method's weights in fewer bits, and say what is lost.",
    "evaluate": "Compare a mesh with the truth: Chamfer, F-score, normals.",
    "doctor": "Say what is missing on this machine, and what to do.",
    "serve": "Serve Blender on this machine, or with --lan on the network.",
    "pair": "Let a client use the server here, or use one elsewhere.",
    "clients": "List who may use the server here, or send one away.",
    "backends": "List the backends elsewhere that were paired with.",
    "web": "Print the link of the status page of the server here.",
    "worker": "Work on a job's folder; engines call this, people rarely.",
}
"""Each is a function of that name, in a module of that name or in `MODULES`."""
MODULES = dict.fromkeys(("cancel", "pause", "resume", "retry", "delete", "keep"), "control")
OF_JOBS = ("jobs", "job", "follow", "fetch", "devices", *MODULES)
"""They ask the server here without `--backend`."""
ELSEWHERE = ("reconstruct", "text", "generate", "align", "texture", "segment", "methods", *OF_JOBS)
"""What `--backend` can be said of."""
AS_JSON = "lightkiln.as_json"
"""The name under which the context of a command remembers `--json`."""
MISTAKE = 2
UNREACHABLE = 3
"""Exit codes: what a person can mend or a job that failed; a backend that does not answer. Ctrl-C
is 130."""


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
            raise _said(ctx, error) from None
        except BrokenPipeError:  # whoever read our output has gone: nothing of ours is wrong
            raise
        except OSError as error:
            raise _said(ctx, of_system(error)) from None


def _said(ctx: Any, error: LightkilnError) -> typer.Exit:
    if ctx.meta.get(AS_JSON):
        about = {"code": error.code, "message": error.message, "hint": error.hint}
        typer.echo(json.dumps({"error": about}))
    else:
        typer.secho(f"lightkiln: {error}", err=True, fg=typer.colors.RED)
    return typer.Exit(UNREACHABLE if isinstance(error, BackendLost) else MISTAKE)


def load(name: str) -> Any:
    """Import a command."""
    module = importlib.import_module(f"{__name__}.{MODULES.get(name, name)}")
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
def _group(
    context: typer.Context,
    backend: Annotated[
        str,
        typer.Option(help="Work on this one of `lightkiln backends` instead of this machine."),
    ] = "",
) -> None:
    """Photographs to solid, coloured meshes."""
    context.obj = backend
    if backend and context.invoked_subcommand not in ELSEWHERE:
        raise UserError(
            f"`lightkiln {context.invoked_subcommand}` works on this machine only.",
            hint="Leave --backend out.",
        )
