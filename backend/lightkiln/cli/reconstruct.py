# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln reconstruct SCENE -o OUT`: a folder of photographs becomes a mesh, no server.

The same job folder and the same worker as behind the server; the folder is thrown away afterwards.
Under torchrun it runs once for each device, the methods that can learn together, and the first
writes the mesh. torchrun kills what does not end soon after a Ctrl-C, so that stops at once.
It must not know methods or how a worker is followed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import typer
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import UserError
from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.params import Scalar, build, specs_of
from lightkiln_shared.scene import Scene
from rich.console import Console

from lightkiln.capture.open_scene import has_poses, open_scene
from lightkiln.capture.transforms import read_path
from lightkiln.executors import Slot
from lightkiln.executors.devices import chosen, cpu, find_slots, joined
from lightkiln.jobs import atomic
from lightkiln.jobs.finishing import RESULT_GLB
from lightkiln.jobs.folder import JobFolder, JobSpec, create
from lightkiln.jobs.frames import FRAMES
from lightkiln.jobs.ranks import num_asked
from lightkiln.mesh.export import WRITTEN, load_mesh, save_mesh
from lightkiln.mesh.export_textured import BASE_COLOR, load_textured, save_textured
from lightkiln.methods.registry import DEFAULT_METHOD, DEFAULT_PRESET, params_for, spec_named
from lightkiln.methods.spec import DEVICES, MethodSpec

from .align import aligned, solved, unplaced
from .finishing import Faces, FillHoles, KeepLargest, Texture
from .following import Display, follow
from .settings import setting

SHARE_OF_ALIGNMENT = 0.2
"""Of the bar, where photographs have to be aligned first."""


def reconstruct(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    scene: Annotated[
        Path, typer.Argument(help="Folder with cameras of any known kind, or of photographs.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh: .glb, .ply or .obj.")],
    method: Annotated[str, typer.Option(help="See `lightkiln methods`.")] = DEFAULT_METHOD,
    preset: Annotated[str, typer.Option(help="draft, standard or high.")] = DEFAULT_PRESET,
    time_limit: Annotated[
        float, typer.Option(min=0.0, help="Seconds until it must come to its mesh; 0: none.")
    ] = 0.0,
    devices: Annotated[
        int,
        typer.Option(min=1, help="GPUs of this machine that learn together, where a method can."),
    ] = 1,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A method's parameter.")
    ] = None,
    texture: Texture = 0,
    faces: Faces = 0,
    fill_holes: FillHoles = False,
    keep_largest: KeepLargest = False,
    report: Annotated[bool, typer.Option("--report", help="Also write OUT.json.")] = False,
    frames: Annotated[
        Path | None,
        typer.Option(help="Cameras like transforms.json's: also write pictures to OUT_frames/."),
    ] = None,
) -> None:
    """Reconstruct a mesh from photographs; without poses they are aligned first.

    Ctrl-C finishes with the mesh so far; a second one stops.
    """
    check_output(output)
    spec = spec_named(method)
    values = dict(setting(spec, text) for text in settings or ())
    if devices > 1:
        values |= _together(spec, devices)
    params_for(spec, preset, values)
    finish: dict[str, Scalar] = {"texture": texture, "faces": faces}
    finish |= {"fill_holes": fill_holes, "keep_largest": keep_largest}
    build(Finish, finish)
    job = JobSpec(
        job_id="0" * 16,
        title=scene.name,
        method=method,
        preset=preset,
        params=values,
        time_limit=time_limit,
        finish=finish,
    )
    _run(scene, job, output, report, () if frames is None else read_path(frames))


def _together(spec: MethodSpec, devices: int) -> dict[str, Scalar]:
    """The parameter that asks for several devices; `UserError` if that cannot be."""
    if DEVICES not in {each.name for each in specs_of(spec.params)}:
        raise UserError(f"{spec.title} works on one device.", hint="Leave --devices out.")
    if "WORLD_SIZE" in os.environ:
        raise UserError("torchrun has started its processes already.", hint="Use --devices alone.")
    return {DEVICES: devices}


def _run(scene: Path, job: JobSpec, output: Path, report: bool, path: tuple[Camera, ...]) -> None:
    first = int(os.environ.get("RANK", "0")) == 0
    console = Console(stderr=True, quiet=not first)
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent, Display(console) as display:
        views, files = _opened(scene, Path(parent), display)
        folder = create(Path(parent) / "job", job, replace(views, path=path), files)
        try:
            alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
            slot = _slot(job)
            asyncio.run(follow(folder, slot, display, may_finish=alone))
        except UserError:
            _keep_log(folder, output)
            raise
        written = _write(folder, output, report) if first else output
    console.print(f"Wrote {written}.")


def _opened(scene: Path, parent: Path, display: Display) -> tuple[Scene, dict[str, Path]]:
    """A scene's folder; photographs without poses are aligned first, on the same bar."""
    if has_poses(scene):
        return open_scene(scene)
    display.part = (0.0, SHARE_OF_ALIGNMENT)
    folder = aligned(scene, parent, DEFAULT_PRESET, {}, display)
    for text in unplaced(folder):
        display.say(text)
    display.part = (SHARE_OF_ALIGNMENT, 1.0)
    views, files = solved(folder)
    return replace(views, photos=()), files


def check_output(output: Path) -> None:
    """Raise `UserError` unless a mesh can be written there: before hours of work, not after."""
    if output.suffix.lower() not in WRITTEN:
        raise UserError(
            f"{output.name} is of no kind of mesh that can be written.",
            hint=f"Use one of {', '.join(WRITTEN)}.",
        )
    if not output.absolute().parent.is_dir():
        raise UserError(f"There is no folder {output.parent}.", hint="Make it first.")


def _slot(job: JobSpec) -> Slot:
    """What to work on; a person's own torchrun starts the command once for each device."""
    kinds = spec_named(job.method).devices
    usable = [slot for slot in find_slots() if slot.device.kind in kinds] or [cpu()]
    slots = chosen(usable[int(os.environ.get("LOCAL_RANK", "0")) % len(usable) :], num_asked(job))
    if not slots:
        raise UserError(f"There are {len(usable)} devices here.", hint="Ask for fewer devices.")
    return joined(slots)


def _write(folder: JobFolder, output: Path, report: bool) -> Path:
    """Copy what the job has left; returns the mesh, or the folder of pictures if there is none."""
    made, pictures = folder.artifacts / RESULT_GLB, output.with_name(f"{output.stem}_frames")
    copies = {output: made} if made.exists() else {}
    if copies and output.suffix.lower() != made.suffix:
        if (folder.artifacts / BASE_COLOR).exists():
            save_textured(load_textured(made), output)  # several files, named after one another
            del copies[output]
        else:  # the worker never leaves a mesh without triangles
            copies[output] = made.with_suffix(output.suffix.lower())
            save_mesh(cast("TriangleMesh", load_mesh(made)), copies[output])
    if report:
        copies[output.with_suffix(".json")] = folder.artifacts / "report.json"
    if (folder.artifacts / FRAMES).exists():
        _unpack(folder.artifacts / FRAMES, pictures)
    for target, source in copies.items():
        with atomic.whole(target) as beside:
            shutil.copyfile(source, beside)
    return output if made.exists() else pictures


def _unpack(pictures: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(pictures) as archive:
        for name in archive.namelist():
            (folder / Path(name).name).write_bytes(archive.read(name))


def _keep_log(folder: JobFolder, output: Path) -> None:
    """What a method's author needs to find its bug."""
    if "Traceback" in folder.log.read_text(encoding="utf-8", errors="replace"):
        shutil.copyfile(folder.log, output.with_suffix(".log"))
