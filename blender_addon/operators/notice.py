# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word of a job as one of Blender's own reports, in the status bar.

A popup would take the next key or click, be it an undo. Blender shows the reports of an operator
that runs in the window, but not those of one that a timer calls: so this one waits for an event of
its own and takes no other.
"""

from typing import ClassVar

from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Event, Operator


class Notice(Operator):
    bl_idname = "lightkiln.notice"
    bl_label = "Notice"
    bl_description = "Say a sentence in the status bar"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    sentence: StringProperty(name="Sentence", description="What is said")
    is_error: BoolProperty(name="Error", description="Say it as a warning")

    def invoke(self, context: Context, event: Event) -> set[str]:
        self._timer = context.window_manager.event_timer_add(0.05, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        self.report({"WARNING" if self.is_error else "INFO"}, self.sentence)
        return {"FINISHED"}


CLASSES = (Notice,)
