# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln text "a red torus on a blue cube" -o OUT.glb`: words become a mesh, here or elsewhere.

With `--candidates` they become pictures of what may come of them, each of another seed; the seed of
the one that is liked is then given with `--seed`. It must not know how a mesh is made of words.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import InvalidParams, MalformedMessage, UserError
from lightkiln_shared.params import Scalar

from lightkiln.capture.write_scene import new_folder
from lightkiln.jobs.candidates import LIST
from lightkiln.jobs.folder import JobFolder, JobSpec
from lightkiln.jobs.intake import NUM_SEEDS
from lightkiln.jobs.text import PROMPT
from lightkiln.methods.registry import DEFAULT_PRESET
from lightkiln.methods.spec import PRIOR

from .finishing import Texture, finish_options
from .prompts import asked_for
from .results import check_output, write
from .settings import Settings, settings_of
from .telling import Json, Telling, telling
from .turntable import check_film, write_film
from .words import shown
from .workplace import Detach, Method, workplace

METHOD, CANDIDATES = "dreamfusion", "text-candidates"
Words = Annotated[str, typer.Argument(help="What is wanted, in words.", metavar="PROMPT")]
Negative = Annotated[str, typer.Option(help="What is not wanted.")]
Seed = Annotated[int, typer.Option(min=0, max=NUM_SEEDS - 1, help="Another one, another result.")]
MethodName = Annotated[str, typer.Option(help="See `lightkiln methods`.", show_default=METHOD)]
Prior = Annotated[str, typer.Option(help="What draws: `embedded`, a folder, or a model's id.")]
Image = Annotated[Path | None, typer.Option(help="A picture beside the prompt.")]
Start = Annotated[Path | None, typer.Option(help="A mesh to begin from.")]
Candidates = Annotated[
    Path | None, typer.Option(help="Make no mesh, but pictures of four seeds, in this folder.")
]
Turntable = Annotated[Path | None, typer.Option(help="Also film the mesh from all around: .mp4.")]


def text(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    prompt: Words,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")
    ] = None,
    negative: Negative = "",
    seed: Seed = 0,
    method: MethodName = "",
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    prior: Prior = "",
    image: Image = None,
    start: Start = None,
    candidates: Candidates = None,
    turntable: Turntable = None,
    settings: Settings = None,
    texture: Texture = 0,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Make a mesh of words. Ctrl-C finishes with the mesh so far; a second one stops."""
    _check_outputs(output, candidates, turntable, detach=detach)
    method = method or (METHOD if candidates is None else CANDIDATES)
    place = workplace(context, detach=detach, as_json=as_json, beside=output)
    job = JobSpec(
        job_id="0" * 16,
        title=" ".join(prompt.split()),
        method=method,
        preset=preset,
        params=_values(method, place.method(method), settings, prior),
        seed=seed,
        finish=finish_options(texture, 0, fill_holes=False, keep_largest=False),
    )
    place.check(job)
    with (
        new_folder(candidates) if candidates is not None else nullcontext(),
        tempfile.TemporaryDirectory(prefix="lightkiln-") as parent,
    ):
        scene, files = asked_for(prompt, negative, image, start, Path(parent))
        with telling(as_json=as_json, quiet=place.is_detached) as told:
            folder = place.run(job, scene, files, Path(parent) / "job", told)
            _tell(folder, told)
            for path in _written(folder, output, candidates, turntable, told):
                told.wrote(path)


def _check_outputs(
    output: Path | None, candidates: Path | None, turntable: Path | None, *, detach: bool
) -> None:
    """Raise `UserError` unless all can be written: before minutes of work, not after."""
    if candidates is None:
        check_output(output, detach=detach)
        check_film(turntable)
    elif output is not None or turntable is not None:
        raise UserError(
            "Candidates come before the mesh.",
            hint="Look at them first, then ask for the mesh with the --seed that you like.",
        )


def _values(method: str, known: Method, settings: Settings, prior: str) -> dict[str, Scalar]:
    """The parameters that were typed, the prior among them."""
    values = settings_of(method, known.params, settings)
    if not prior:
        return values
    if PRIOR not in {param.name for param in known.params}:
        raise InvalidParams(f"{known.title} draws from no prior.", hint="Leave --prior out.")
    return {**values, PRIOR: prior}


def _tell(folder: JobFolder, told: Telling) -> None:
    """Say what drew, and by which seed."""
    document = folder.artifacts / PROMPT
    about = json.loads(document.read_bytes()) if document.exists() else {}
    if "licence" in about:
        drawn, licence = shown(str(about["title"])), shown(str(about["licence"]))
        told.say(f"Drawn by {drawn}, licence: {licence}.")
    if "seed" in about:
        told.say(f"Seed {int(about['seed'])}.")


def _written(
    folder: JobFolder,
    output: Path | None,
    candidates: Path | None,
    turntable: Path | None,
    told: Telling,
) -> Iterator[Path]:
    """Write what was asked for of what the job has left."""
    if candidates is not None:
        yield _write_pictures(folder, candidates, told)
    if output is not None:
        yield write(folder, output, report=False)
    if turntable is not None:
        yield write_film(folder, turntable)


def _write_pictures(folder: JobFolder, output: Path, told: Telling) -> Path:
    """Copy the candidates, each named by its seed."""
    present = {path.name: path for path in folder.artifacts.iterdir()}
    if LIST not in present:
        raise UserError("The job has left no pictures.", hint="Look at its warnings.")
    for each in json.loads(present[LIST].read_bytes()):
        if each["picture"] not in present:
            raise MalformedMessage("a picture is listed and is not there")
        name = f"seed-{int(each['seed'])}.png"
        shutil.copyfile(present[each["picture"]], output / name)
        told.say(f"--seed {int(each['seed'])}: {name}")
    return output
