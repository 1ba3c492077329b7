# SPDX-License-Identifier: GPL-3.0-or-later
"""One run from a prompt to pictures of what may become of it, each there as soon as it is made.

    candidate-0.png ...  sRGB
    candidates.json      [{"seed", "picture": the artifact's name}, ...]
    prompt.json          as of a mesh made of words

It must not know how pictures are drawn.
"""

from __future__ import annotations

import dataclasses
import json

from PIL import Image

from . import atomic
from .artifacts import REPORT, keep, write_report
from .folder import JobFolder, JobSpec
from .journal import Journal
from .reconstruct import begun
from .run import JobRun
from .text import keep_prompt, text_inputs
from .thumbnail import keep_thumbnail

LIST = "candidates.json"


def candidates(folder: JobFolder, job: JobSpec, journal: Journal, run: JobRun) -> None:
    """Work a job through; raises what the method or the prompt raises."""
    _, params, entry = begun(folder, job, run)
    inputs = text_inputs(folder)
    keep_prompt(folder, job, journal, params)
    listed: list[dict[str, int | str]] = []
    for index, (seed, pixels) in enumerate(entry(inputs, params, run)):
        path = folder.artifacts / f"candidate-{index}.png"
        with atomic.whole(path) as beside:
            Image.fromarray(pixels).save(beside, format="png")
        keep(path, journal)
        listed.append({"seed": seed, "picture": path.name})
        if index == 0:
            keep_thumbnail(folder, journal, pixels)
    atomic.write(folder.artifacts / LIST, json.dumps(listed, indent=1).encode())
    keep(folder.artifacts / LIST, journal)
    write_report(folder, job, run, {"params": dataclasses.asdict(params)})
    keep(folder.artifacts / REPORT, journal)
    run.tell_the_end()
