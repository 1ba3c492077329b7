# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told beside the tab: diagnostics without secrets, the status bar, the last word."""

from __future__ import annotations

import secrets
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from conftest import module
from mathutils import Matrix


@pytest.mark.parametrize(
    "secret",
    [
        "/home/somebody/Photos of the cat/1.jpg",
        "C:\\Users\\somebody\\1.jpg",
        "~/photos",
        "\\\\server\\share\\x",
        secrets.token_urlsafe(32),
        f"-{secrets.token_urlsafe(32)}-",  # no word begins or ends at a hyphen
        secrets.token_hex(32),
    ],
)
def test_diagnostics_hold_neither_paths_nor_tokens(secret: str) -> None:
    status, jobs = module("status"), module("shared.jobs")
    job = status.Job(scene="Scene", title="The cat", method="kiln", preset="draft")
    job.state, job.reason = jobs.JobState.FAILED, f"The file {secret} cannot be read."
    job.warnings = [f"{secret}: twice"]
    now = status.Status(problem=f"No {secret}.", link_error=f"'{secret}' is gone", job=job)
    text = module("diagnostics").text({"Blender": bpy.app.version_string}, now)
    for part in (secret, "somebody", "cat", "photos", "share"):
        assert part not in text
    assert f"Blender: {bpy.app.version_string}" in text
    assert "Job: kiln, draft, failed. The file (" in text


def test_the_status_bar_and_the_last_word_say_how_a_job_stands() -> None:
    status, jobs, notices = module("status"), module("shared.jobs"), module("notices")
    job = status.Job(scene="Scene")
    assert notices.line_of(None) is None
    assert notices.line_of(job) == "Lightkiln: Connecting"
    job.state = jobs.JobState.RUNNING
    job.progress = jobs.Progress(
        phase="refine", step=3, num_steps=9, fraction=0.42, elapsed=60.0, seconds_left=125.0
    )
    assert notices.line_of(job) == "Lightkiln: refine, 42%, 2 min left"
    job.state = jobs.JobState.SUCCEEDED
    assert notices.line_of(job) is None
    assert notices.end_of(job) == "", "the mesh is still on its way"
    job.imported_as = "Jug"
    assert "Jug" in notices.end_of(job)
    job.state, job.reason = jobs.JobState.FAILED, "No surface was found."
    assert job.reason in notices.end_of(job)


def test_the_preview_begins_in_the_middle_of_the_frame_that_shows_a_photograph(
    add_camera: object,
) -> None:
    camera = add_camera("Camera", (4.0, 1.0, 2.0), (0.0, 0.0, 0.0))
    camera.data.background_images.new().image = bpy.data.images.new("Photograph", 8, 8)
    camera.data.show_background_images = True
    bpy.context.scene.camera = camera
    lens = np.diag([2.0, 3.0, -1.0, 0.0])  # what stands before a view, shifted to the right by 0.25
    lens[0, 2], lens[3, 2], lens[2, 3] = -0.5, -1.0, -0.1
    view = SimpleNamespace(
        view_perspective="CAMERA", perspective_matrix=Matrix(lens) @ camera.matrix_world.inverted()
    )
    context = SimpleNamespace(scene=bpy.context.scene, region_data=view)
    middle = module("preview").middle_of_frame
    assert np.isclose(middle(context), 0.75, atol=1e-5)
    camera.data.show_background_images = False
    assert middle(context) == 0.0
    camera.data.show_background_images = True
    view.view_perspective = "PERSP"
    assert middle(context) == 0.0
