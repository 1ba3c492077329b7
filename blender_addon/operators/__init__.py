# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done, each as a button and as a call: `bpy.ops.lightkiln.reconstruct()`.

An operator that cannot be done says why in its tooltip; one that fails reports a sentence and
leaves everything as it was. Waiting is never done here: see `inbox`.
"""

from . import (
    align,
    backends,
    choosing,
    connection,
    convert,
    diagnostics,
    export,
    job_control,
    jobs_list,
    masks,
    notice,
    preflight,
    quads,
    reconstruct,
    region,
    render,
    result,
    shapes,
    solve,
    text,
)

CLASSES = (
    *connection.CLASSES,
    *backends.CLASSES,
    *diagnostics.CLASSES,
    *align.CLASSES,
    *solve.CLASSES,
    *convert.CLASSES,
    *choosing.CLASSES,
    *reconstruct.CLASSES,
    *job_control.CLASSES,
    *masks.CLASSES,
    *text.CLASSES,
    *shapes.CLASSES,
    *preflight.CLASSES,
    *jobs_list.CLASSES,
    *notice.CLASSES,
    *result.CLASSES,
    *quads.CLASSES,
    *export.CLASSES,
    *region.CLASSES,
    *render.CLASSES,
)


def register() -> None:
    """What is neither a class nor a panel: lines in menus of Blender's."""
    convert.register_menus()


def unregister() -> None:
    convert.unregister_menus()
