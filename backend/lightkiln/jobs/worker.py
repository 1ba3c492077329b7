# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's process: `lightkiln worker FOLDER`. Folder in, folder out.

However an attempt ends, its last line in `events.jsonl` says so; only a killed process leaves none.
It must not know who started it.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

from lightkiln_shared.errors import JobCancelled, LightkilnError, PartnerLost
from lightkiln_shared.jobs import JobState, RecordKind

from lightkiln.methods.registry import spec_named
from lightkiln.methods.spec import Need, Product

from . import atomic, ranks
from .folder import JobFolder, JobSpec
from .journal import Journal
from .reconstruct import reconstruct
from .run import JobRun, Suspended
from .shortage import DISK, said_of, shortage, with_less

ORPHAN_SECONDS = 5.0
"""A worker whose owner is gone ends within this, saved or not."""
LOCK_SECONDS = 15.0
"""An older worker of the same folder may still be saving its state."""
PR_SET_PDEATHSIG = 1
OOM_SCORE = "500"
"""When memory ends the kernel shall end a worker, not the server: -1000 ... 1000."""
_log = logging.getLogger(__name__)


def work(path: Path, device: str, owned: bool) -> int:
    """Work on a job's folder until its attempt ends; returns the exit code."""
    count = ranks.num_to_start(JobFolder(path))
    if count:
        owner = ("--owned",) if owned else ()
        ranks.become_torchrun(
            JobFolder(path), count, ("worker", str(path), "--device", device, *owner)
        )
    folder = ranks.of_this_process(JobFolder(path))
    with atomic.exclusive(folder.lock, LOCK_SECONDS, f"Another worker is busy in {path}."):
        journal = Journal(folder)
        try:
            state, reason = _attempt(folder, journal, device, owned)
        except Suspended:
            state, reason = JobState.PAUSED, ""
            if not folder.read_control().pause:
                return 0  # the owner is gone: whoever comes next goes on from the saved state
        except PartnerLost as error:
            state, reason = JobState.FAILED, str(error)
            if ranks.is_one_of_several():
                word = ranks.word_of_another(JobFolder(path))
                if word is None:
                    return 1  # as if this one had been killed too
                state, reason = JobState(word.text), word.reason
        if state is JobState.QUEUED and (less := with_less(folder)) is not None:
            folder.write_spec(less)
            journal.add(RecordKind.WARNING, reason)
        journal.add(RecordKind.STATE, state, reason)
        journal.close()
    return 0


def _attempt(folder: JobFolder, journal: Journal, device: str, owned: bool) -> tuple[JobState, str]:
    """How the attempt ended, and why."""
    try:
        job = folder.spec()
        run = JobRun(folder, job, journal, _usable(device, journal))
        run.saves = folder.path.parent.name != ranks.RANKS
        if owned:
            _end_with_owner(run)
        _work_of(job)(folder, job, journal, run)
    except (Suspended, PartnerLost):
        raise
    except JobCancelled:
        return JobState.CANCELLED, ""
    except LightkilnError as error:
        return JobState.FAILED, str(error)
    except Exception as error:  # noqa: BLE001 a worker ends here, and methods are other people's code
        _log.exception("the method failed")
        return _stopped_by(error, folder)
    return JobState.SUCCEEDED, ""


def _work_of(job: JobSpec) -> Callable[[JobFolder, JobSpec, Journal, JobRun], None]:
    """What to do, by what the method makes and wants; only an alignment loads COLMAP."""
    spec = spec_named(job.method)
    if spec.produces in _OTHER_WORK:
        module, name = _OTHER_WORK[spec.produces]
    elif Need.TEXT in spec.needs:
        module, name = _FROM_TEXT
    elif Need.POSED_VIEWS in spec.needs:
        return reconstruct
    else:
        module, name = _LEARNED
    return cast(
        "Callable[[JobFolder, JobSpec, Journal, JobRun], None]",
        getattr(importlib.import_module(module), name),
    )


_OTHER_WORK = {
    Product.SCENE: ("lightkiln.jobs.align", "align"),
    Product.MASKS: ("lightkiln.jobs.segment", "segment"),
    Product.PICTURES: ("lightkiln.jobs.candidates", "candidates"),
}
_FROM_TEXT = ("lightkiln.jobs.text", "text")
_LEARNED = ("lightkiln.jobs.learned", "learned")


def _stopped_by(error: Exception, folder: JobFolder) -> tuple[JobState, str]:
    """How the attempt ends after what no error of ours says: something is full, or it is a bug."""
    full = shortage(error)
    if full is None:
        return JobState.FAILED, f"The method failed: {type(error).__name__}: {error}"
    if full is DISK:
        return JobState.PAUSED, str(full)
    less = None if ranks.are_anothers() else with_less(folder)
    return (JobState.FAILED, str(full)) if less is None else (JobState.QUEUED, said_of(full, less))


def _usable(device: str, journal: Journal) -> str:
    """`cuda` only if torch can use it: a machine may have a GPU and a torch without CUDA."""
    if device == "cuda" and not importlib.import_module("torch").cuda.is_available():
        journal.add(
            RecordKind.WARNING, "PyTorch cannot use the GPU of this machine; the processor is used."
        )
        return "cpu"
    return device


def _end_with_owner(run: JobRun) -> None:
    """The owner keeps our standard input open as long as it lives."""

    def save_and_end(*_: object) -> None:
        run.requests.owner_gone = True
        timer = threading.Timer(ORPHAN_SECONDS, os._exit, (1,))
        timer.daemon = True
        timer.start()

    def wait_for_the_end() -> None:
        while os.read(0, 1):  # not through sys.stdin, whose lock would outlive the interpreter
            pass
        save_and_end()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    signal.signal(signal.SIGTERM, save_and_end)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
