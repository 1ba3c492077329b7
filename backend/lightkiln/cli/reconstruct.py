# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln reconstruct SCENE -o OUT`: a folder of photographs becomes a mesh, here or elsewhere.

Without `--backend` no server is asked: the same job folder and the same worker as behind one.
Under torchrun it runs once for each device, the methods that can learn together, and the first
writes the mesh. torchrun kills what does not end soon after a Ctrl-C, so that stops at once.
It must not know methods or how a job is followed.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import UserError
from lightkiln_shared.params import Scalar
from lightkiln_shared.scene import Scene

from lightkiln.capture.open_scene import has_poses, open_scene
from lightkiln.capture.transforms import read_path
from lightkiln.jobs.folder import JobSpec
from lightkiln.methods.registry import DEFAULT_METHOD, DEFAULT_PRESET
from lightkiln.methods.spec import DEVICES, Need

from .align import aligned, solved, unplaced
from .finishing import Faces, FillHoles, KeepLargest, Texture, finish_options
from .results import NEEDED, check_output, write
from .settings import Settings, settings_of
from .sources import Spacing, given, is_learned
from .telling import Json, Telling, telling
from .workplace import Detach, Method, Workplace, workplace

Frames = Annotated[
    Path | None,
    typer.Option(help="Cameras like transforms.json's: also write pictures to OUT_frames/."),
]
Devices = Annotated[
    int, typer.Option(min=1, help="GPUs of one machine that learn together, where a method can.")
]
SpacingOption = Annotated[
    Spacing | None,
    typer.Option(metavar="X Y Z", help="Millimetres between a volume's samples, if it is silent."),
]
SHARE_OF_ALIGNMENT = 0.2
"""Of the bar, where photographs have to be aligned first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reconstructed."""

    scene: Path
    needs: tuple[Need, ...]
    path: tuple[Camera, ...] = ()
    spacing: Spacing | None = None


def reconstruct(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    context: typer.Context,
    scene: Annotated[
        Path,
        typer.Argument(
            help="Folder with cameras of any known kind, or of photographs; for a method that has "
            "learned shapes one photograph, a file of points, or a volume's file or folder."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")
    ] = None,
    method: Annotated[str, typer.Option(help="See `lightkiln methods`.")] = DEFAULT_METHOD,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    time_limit: Annotated[
        float, typer.Option(min=0.0, help="Seconds until it must come to its mesh; 0: none.")
    ] = 0.0,
    devices: Devices = 1,
    settings: Settings = None,
    texture: Texture = 0,
    faces: Faces = 0,
    fill_holes: FillHoles = False,
    keep_largest: KeepLargest = False,
    report: Annotated[bool, typer.Option("--report", help="Also write OUT.json.")] = False,
    frames: Frames = None,
    spacing: SpacingOption = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Reconstruct a mesh from photographs; without poses they are aligned first.

    Ctrl-C finishes with the mesh so far; a second one stops.
    """
    check_output(output, detach=detach)
    place = workplace(context, detach=detach, as_json=as_json, beside=output)
    known = place.method(method)
    values = settings_of(method, known.params, settings)
    values |= _together(known, devices) if devices > 1 else {}
    job = JobSpec(
        job_id="0" * 16,
        title=scene.resolve().name,
        method=method,
        preset=preset,
        params=values,
        time_limit=time_limit,
        finish=finish_options(texture, faces, fill_holes=fill_holes, keep_largest=keep_largest),
    )
    place.check(job)
    asked = Asked(scene, known.needs, () if frames is None else read_path(frames), spacing)
    _run(place, asked, job, output, report=report, as_json=as_json)


def _together(method: Method, devices: int) -> dict[str, Scalar]:
    """The parameter that asks for several devices; `UserError` if that cannot be."""
    if DEVICES not in {each.name for each in method.params}:
        raise UserError(f"{method.title} works on one device.", hint="Leave --devices out.")
    if "WORLD_SIZE" in os.environ:
        raise UserError("torchrun has started its processes already.", hint="Use --devices alone.")
    return {DEVICES: devices}


def _run(
    place: Workplace,
    asked: Asked,
    job: JobSpec,
    output: Path | None,
    *,
    report: bool,
    as_json: bool,
) -> None:
    first = int(os.environ.get("RANK", "0")) == 0
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        with telling(as_json=as_json, quiet=not first or place.is_detached) as told:
            views, files = _opened(asked, Path(parent), told, place)
            views = replace(views, path=asked.path)
            folder = place.run(job, views, files, Path(parent) / "job", told, NEEDED)
        if first and output is not None:
            told.wrote(write(folder, output, report=report))


def _opened(
    asked: Asked, parent: Path, told: Telling, place: Workplace
) -> tuple[Scene, dict[str, Path]]:
    """A scene's folder; photographs without poses are aligned first, on the same bar."""
    scene = asked.scene
    if is_learned(asked.needs):
        return given(scene, asked.needs, asked.spacing, parent)
    if has_poses(scene):
        return open_scene(scene)
    if place.is_detached:
        raise UserError(
            "Photographs without cameras take two jobs, one after the other.",
            hint="Align them first with `lightkiln align`, or leave --detach out.",
        )
    told.part = (0.0, SHARE_OF_ALIGNMENT)
    folder, files = aligned(scene, parent, DEFAULT_PRESET, {}, told, place)
    for text in unplaced(folder):
        told.say(text)
    told.part = (SHARE_OF_ALIGNMENT, 1.0)
    views, files = solved(folder, files)
    return replace(views, photos=()), files
