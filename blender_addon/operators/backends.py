# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of backends: using one, pairing, forgetting, searching the network."""

from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from .. import backends, places, status
from ..shared.errors import LightkilnError
from .starting import Excused


class UseBackend(Operator):
    bl_idname = "lightkiln.use_backend"
    bl_label = "Use Backend"
    bl_description = (
        "Connect to this backend. Jobs of the one used until now go on there, and are found again "
        "in its list"
    )

    key: StringProperty(
        name="Line", description="Which line of the list", options={"HIDDEN", "SKIP_SAVE"}
    )

    def execute(self, context: Context) -> set[str]:
        line = backends.line(self.key)
        if line is None or line.place is None:
            self.report({"ERROR"}, "This backend is not paired with yet")
            return {"CANCELLED"}
        try:
            backends.use(line.place)
        except LightkilnError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class Pair(Excused, Operator):
    bl_idname = "lightkiln.pair"
    bl_label = "Pair"
    bl_description = "Become known to this backend by the code that it shows, and connect to it"

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return backends.can_pair()

    def execute(self, context: Context) -> set[str]:
        try:
            backends.pair()
        except LightkilnError as error:
            status.current.pairing = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ForgetBackend(Excused, Operator):
    bl_idname = "lightkiln.forget_backend"
    bl_label = "Forget Backend"
    bl_description = "Know this backend no more; its jobs stay there. To use it again, pair again"

    @classmethod
    def obstacle(cls, context: Context) -> str:
        line = backends.selected()
        return "" if line is not None and line.place else "Choose a paired backend in the list"

    def invoke(self, context: Context, event: Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: Context) -> set[str]:
        backends.forget(backends.selected().place)
        return {"FINISHED"}


class SearchBackends(Excused, Operator):
    bl_idname = "lightkiln.search_backends"
    bl_label = "Search the Network"
    bl_description = "Listen for half a minute which backends are announced; press again to stop"

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return "" if places.may_search() else "Blender's online access is off"

    def execute(self, context: Context) -> set[str]:
        if backends.is_searching():
            backends.stop_search()
        else:
            backends.start_search()
        return {"FINISHED"}


CLASSES = (
    UseBackend,
    Pair,
    ForgetBackend,
    SearchBackends,
)
