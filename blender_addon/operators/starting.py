# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators have in common: they say why they cannot be pressed, and how a job is sent.

It must not know what is asked for.
"""

from bpy.types import Context

from .. import jobs, scene_export, status
from ..shared.errors import LightkilnError
from ..shots import Order


class Excused:
    """Base of operators that are greyed out with a reason."""

    @classmethod
    def obstacle(cls, context: Context) -> str:
        """Why it cannot be done now: a sentence, or nothing."""
        return scene_export.problem(context)

    @classmethod
    def poll(cls, context: Context) -> bool:
        if wrong := cls.obstacle(context):
            cls.poll_message_set(wrong.rstrip("."))
        return not wrong


class StartsJob(Excused):
    """Base of operators that send a job, one at a time."""

    @classmethod
    def missing(cls, context: Context) -> str:
        """What the order lacks: a sentence, or nothing."""
        return scene_export.problem(context)

    def order(self, context: Context) -> Order:
        """What is asked for; raises `LightkilnError`."""
        raise NotImplementedError

    @classmethod
    def obstacle(cls, context: Context) -> str:
        job = status.current.job
        if job is not None and not job.is_over:
            return "A job is running: cancel it or wait for it"
        return cls.missing(context)

    def execute(self, context: Context) -> set[str]:
        try:
            jobs.submit(self.order(context), context.scene.name)
        except LightkilnError as error:
            status.current.problem = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
