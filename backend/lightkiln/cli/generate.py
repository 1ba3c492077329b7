# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln generate -o OUT.glb --seed N`: a shape that a network thinks of, here or elsewhere.

It must not know networks.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.scene import Scene

from lightkiln.jobs.folder import JobSpec
from lightkiln.jobs.intake import NUM_SEEDS
from lightkiln.methods.registry import DEFAULT_PRESET
from lightkiln.methods.spec import Need

from .finishing import Texture, finish_options
from .results import check_output, write
from .settings import Settings, settings_of
from .sources import given
from .telling import Json, telling
from .turntable import check_film, write_film
from .workplace import Detach, Method, workplace

METHOD, OWN = "vae3d", "own-shapes"


def generate(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=NUM_SEEDS - 1, help="Another one, another shape.")
    ] = 0,
    method: Annotated[str, typer.Option(help="See `lightkiln methods`.")] = "",
    meshes: Annotated[
        Path | None,
        typer.Option(help="A folder of your own meshes to learn from, some minutes at first."),
    ] = None,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    turntable: Annotated[
        Path | None, typer.Option(help="Also film the mesh from all around: .mp4.")
    ] = None,
    settings: Settings = None,
    texture: Texture = 0,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Make a mesh of nothing but a seed, by a network that has learned shapes."""
    check_output(output, detach=detach)
    check_film(turntable)
    place = workplace(context, detach=detach, as_json=as_json, beside=output)
    method = method or (METHOD if meshes is None else OWN)
    known = place.method(method)
    scene, files = _shown(known, meshes)
    job = JobSpec(
        job_id="0" * 16,
        title=f"{known.title} {seed}",
        method=method,
        preset=preset,
        params=settings_of(method, known.params, settings),
        seed=seed,
        finish=finish_options(texture, 0, fill_holes=False, keep_largest=False),
    )
    place.check(job)
    with (
        tempfile.TemporaryDirectory(prefix="lightkiln-") as parent,
        telling(as_json=as_json, quiet=place.is_detached) as told,
    ):
        folder = place.run(job, scene, files, Path(parent) / "job", told)
        if output is not None:
            told.wrote(write(folder, output, report=False))
        if turntable is not None:
            told.wrote(write_film(folder, turntable))


def _shown(method: Method, meshes: Path | None) -> tuple[Scene, dict[str, Path]]:
    """What there is beside the seed: nothing, or meshes; raises `UserError`."""
    if method.needs != (() if meshes is None else (Need.MESHES,)):
        alone = "alone" if meshes is None else "and meshes"
        raise UserError(
            f"{method.title} makes nothing of a seed {alone}.",
            hint="Choose vae3d, or own-shapes with --meshes; or use `lightkiln reconstruct` or "
            "`lightkiln text`.",
        )
    return (Scene(views=()), {}) if meshes is None else given(meshes, method.needs, None, meshes)
