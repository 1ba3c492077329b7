# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln frames FILM -o FOLDER NUMBER ...`: single frames of a film, as image files.

It must not know films.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lightkiln.capture.inputs import PhotoFile
from lightkiln.capture.sfm import video
from lightkiln.capture.write_scene import new_folder


def frames(
    film: Annotated[Path, typer.Argument(help="A video.")],
    numbers: Annotated[list[int], typer.Argument(help="Which frames; the first is 0.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    fps: Annotated[float, typer.Option(help="Frames in a second, as they are numbered.")],
) -> None:
    """Write frames of a video as frame-000000.jpg and so on.

    A frame is what is shown at its time, so the numbers hold where frames last differently long.
    """
    with new_folder(output):
        video.pick(PhotoFile(name=film.name, path=film), numbers, fps, output)
    Console(stderr=True).print(f"Wrote {output}.")
