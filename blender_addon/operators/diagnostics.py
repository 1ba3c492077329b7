# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that copies what a report of a fault needs."""

import sys

import bpy
from bpy.types import Context, Operator

from .. import diagnostics, status
from ..client import NAME


class CopyDiagnostics(Operator):
    bl_idname = "lightkiln.copy_diagnostics"
    bl_label = "Copy Diagnostics"
    bl_description = (
        "Copy versions and states for a report of a fault. Tokens, paths and titles are left out"
    )

    def execute(self, context: Context) -> set[str]:
        versions = {
            "Extension": NAME.partition("/")[2],
            "Blender": bpy.app.version_string,
            "Python": sys.version.split()[0],
        }
        context.window_manager.clipboard = diagnostics.text(versions, status.current)
        self.report({"INFO"}, "Copied; paste it into your report")
        return {"FINISHED"}


CLASSES = (CopyDiagnostics,)
