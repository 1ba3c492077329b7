# SPDX-License-Identifier: GPL-3.0-or-later
"""Another Blender, to be killed: it opens a file, presses a button and tells when the job runs.

python second_blender.py FILE OPERATOR save|leave
"""

import sys
import time

import bpy  # isort: skip  makes its own modules importable
import addon_utils
from conftest import PACKAGE, module

file, operator, saves = sys.argv[1:]
addon_utils.enable("bl_pkg", persistent=True)
bpy.ops.wm.read_factory_settings(use_empty=True)
addon_utils.enable(PACKAGE, default_set=True)
bpy.ops.wm.open_mainfile(filepath=file)
assert getattr(bpy.ops.lightkiln, operator)() == {"FINISHED"}
told = False
while True:
    module("inbox").pump()
    job = module("status").current.job
    if not told and job.state == "running" and job.progress:
        if saves == "save":
            bpy.ops.wm.save_mainfile()
        sys.stdout.write(f"running {job.job_id}\n")
        sys.stdout.flush()
        told = True
    assert told or not job.is_over, job
    time.sleep(0.02)
