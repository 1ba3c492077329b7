# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's Lightkiln tab. Draws what `status` and the scene's properties say; nothing else.

A panel does no work and no waiting, and stands any state: an object may be gone, a link broken.
"""

from . import (
    align,
    backends,
    connection,
    finish,
    frames,
    job,
    jobs_list,
    masks,
    method,
    preflight,
    result,
    scene,
    shapes,
    text,
)

CLASSES = (
    *connection.CLASSES,
    *backends.CLASSES,
    *align.CLASSES,
    *scene.CLASSES,
    *masks.CLASSES,
    *preflight.CLASSES,
    *method.CLASSES,
    *frames.CLASSES,
    *finish.CLASSES,
    *text.CLASSES,
    *shapes.CLASSES,
    *job.CLASSES,
    *result.CLASSES,
    *jobs_list.CLASSES,
)
