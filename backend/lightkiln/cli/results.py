# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has left, written where a person wants it, in the form that its name asks for.

It must not know where the job was worked on.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import cast

from lightkiln_shared.checks import MAX_FRAMES
from lightkiln_shared.errors import NothingReconstructed, UserError
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.session import MAX_BULK

from lightkiln.jobs import atomic
from lightkiln.jobs.artifacts import REPORT
from lightkiln.jobs.finishing import RESULT_GLB
from lightkiln.jobs.folder import JobFolder
from lightkiln.jobs.frames import FRAMES
from lightkiln.mesh.export import WRITTEN, load_mesh, save_mesh
from lightkiln.mesh.export_textured import BASE_COLOR, load_textured, save_textured

NEEDED = (RESULT_GLB, BASE_COLOR, FRAMES, REPORT)
"""The artifacts that a mesh or pictures are written from."""


def check_output(output: Path | None, *, detach: bool = False) -> None:
    """Raise `UserError` unless a mesh can be written there: before hours of work, not after."""
    if output is None:
        if detach:
            return
        raise UserError("Where shall the mesh go?", hint="Add --output FILE.glb.")
    if output.suffix.lower() not in WRITTEN:
        raise UserError(
            f"{output.name} is of no kind of mesh that can be written.",
            hint=f"Use one of {', '.join(WRITTEN)}.",
        )
    if not output.absolute().parent.is_dir():
        raise UserError(f"There is no folder {output.parent}.", hint="Make it first.")


def write(folder: JobFolder, output: Path, *, report: bool) -> Path:
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
        copies[output.with_suffix(".json")] = folder.artifacts / REPORT
    if (folder.artifacts / FRAMES).exists():
        _unpack(folder.artifacts / FRAMES, pictures)
    elif not made.exists():
        raise NothingReconstructed("The job has left no mesh.", hint="Look at its warnings.")
    for target, source in copies.items():
        with atomic.whole(target) as beside:
            shutil.copyfile(source, beside)
    return output if made.exists() else pictures


def _unpack(pictures: Path, folder: Path) -> None:
    with zipfile.ZipFile(pictures) as archive:
        members = archive.infolist()
        if len(members) > MAX_FRAMES or sum(each.file_size for each in members) > 2 * MAX_BULK:
            raise UserError("The job has left more pictures than a job can.")
        folder.mkdir(exist_ok=True)
        for each in members:
            with archive.open(each) as source, (folder / Path(each.filename).name).open("wb") as to:
                shutil.copyfileobj(source, to)
