# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before a run: asked here, done in a thread, shown by its panel."""

from concurrent.futures import CancelledError, Future

from bpy.types import Context, Operator

from .. import backend, preflight, scene_export, status
from ..shared.errors import LightkilnError
from .starting import Excused


class Preflight(Excused, Operator):
    bl_idname = "lightkiln.preflight"
    bl_label = "Check"
    bl_description = (
        "Look for missing, doubled and odd photographs and at how the cameras see the region, "
        "before a long run"
    )

    def execute(self, context: Context) -> set[str]:
        try:
            order = scene_export.order(context)
        except LightkilnError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        status.current.preflight, status.current.is_checking = None, True
        backend.when_done(backend.aside(lambda: preflight.check(order)), _take)
        return {"FINISHED"}


def _take(future: "Future[preflight.Report]") -> None:
    status.current.is_checking = False
    try:
        status.current.preflight = future.result()
    except (LightkilnError, CancelledError) as error:
        status.current.problem = str(error)


CLASSES = (Preflight,)
