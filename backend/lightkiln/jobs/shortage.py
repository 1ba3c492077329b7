# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory or a disk that is full: what is said of it, and what a job then does without.

A method's spec names the parameters that are halved each time its memory is full. They are halved
in `job.json`, so that whoever goes on with the job, goes on with less.
It must not know how an attempt ends.
"""

from __future__ import annotations

from dataclasses import replace

from lightkiln_shared.errors import FULL, ResourceError

from lightkiln.methods.registry import halved, spec_named

from .folder import JobFolder, JobSpec

MEMORY = ResourceError(
    "The backend's memory is full.", hint="Use a smaller preset, or fewer or smaller images."
)
DEVICE_MEMORY = ResourceError(
    "The graphics card's memory is full.",
    hint="Close other programs that use it, or use a smaller preset; Retry goes on from here.",
)
DISK = ResourceError(
    "The disk that holds the job's files is full.",
    hint="Free some space there; a backend's job waits for that, until it is resumed.",
)


def shortage(error: Exception) -> ResourceError | None:
    """What is full, if that is what an error of the system or of a library says."""
    if isinstance(error, OSError) and error.errno in FULL:
        return DISK
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported for this
        return DEVICE_MEMORY
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):  # torch's again
        return MEMORY
    return None


def with_less(folder: JobFolder) -> JobSpec | None:
    """The job with what its method does without next.

    None: the method has no more to do without, or its surface is made, and what takes the memory is
    what comes after.
    """
    job = folder.spec()
    spec = spec_named(job.method)
    if job.halvings == len(spec.halvings) or folder.surface.exists():
        return None
    params = halved(spec, job.preset, job.params, spec.halvings[job.halvings])
    return replace(job, params=params, halvings=job.halvings + 1)


def said_of(full: ResourceError, less: JobSpec) -> str:
    """The sentence that tells with what the job goes on."""
    names = spec_named(less.method).halvings[less.halvings - 1]
    values = ", ".join(f"{name} = {less.params[name]}" for name in names)
    return f"{full.message} The job goes on from its last saved state with less: {values}."
