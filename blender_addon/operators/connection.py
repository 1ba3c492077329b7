# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting to the backend, and leaving it."""

from bpy.types import Context, Operator

from .. import backend, status
from ..mailbox import Link
from ..shared.errors import LightkilnError


class Connect(Operator):
    bl_idname = "lightkiln.connect"
    bl_label = "Connect"
    bl_description = (
        "Connect to the backend in use; the one on this computer is started if it is not running"
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        return status.current.link in (Link.OFF, Link.FAILED)

    def execute(self, context: Context) -> set[str]:
        try:
            backend.connect()
        except LightkilnError as error:
            backend.refuse(str(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class Disconnect(Operator):
    bl_idname = "lightkiln.disconnect"
    bl_label = "Disconnect"
    bl_description = "Close the connection. The backend and its jobs go on"

    def execute(self, context: Context) -> set[str]:
        backend.disconnect()
        return {"FINISHED"}


CLASSES = (
    Connect,
    Disconnect,
)
