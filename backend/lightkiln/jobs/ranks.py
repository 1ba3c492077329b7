# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as several processes that learn together: torchrun starts a worker for each.

    FOLDER              the job; the first process works on it as if it were alone
    FOLDER/ranks/K/     the same job for process K, without what comes after the method

Only the first hears what people ask, tells how far it is, and saves; the others begin from its
saved state, and what they make is thrown away. The worker that an executor has started becomes
torchrun itself, so its owner's end is the end of its input for all of them.
It must not know what is learned.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import LightkilnError

from lightkiln.methods.registry import params_for, spec_named
from lightkiln.methods.spec import DEVICES

from .folder import JobFolder, JobSpec, WorkerEvent
from .follow import Follower

RANKS = "ranks"
SEVERAL = "LIGHTKILN_RANKS"
"""Set for the processes that a job's own torchrun has started; people may use another."""
WORD_SECONDS = 3.0
"""In which another process has said why it failed, if it could."""


def num_asked(job: JobSpec) -> int:
    """How many processes a job is for, each with a device where there are GPUs."""
    params = params_for(spec_named(job.method), job.preset, job.params)
    return int(getattr(params, DEVICES, 1))


def num_devices(folder: JobFolder) -> int:
    """The same for what is left to do of it: a surface that is there is finished by one."""
    return 1 if folder.surface.exists() else num_asked(folder.spec())


def num_to_start(folder: JobFolder) -> int:
    """The processes that torchrun has to start before the job can begin; 0: none."""
    if is_one_of_several():
        return 0
    with contextlib.suppress(LightkilnError, OSError):  # the attempt itself says what is wrong
        count = num_devices(folder)
        return count if count > 1 else 0
    return 0


def become_torchrun(folder: JobFolder, count: int, command: tuple[str, ...]) -> None:
    """Start a command of Lightkiln once for each process; does not return."""
    shutil.rmtree(folder.path / RANKS, ignore_errors=True)
    for rank in range(1, count):
        _make(folder, _rank(folder, rank))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    words += ["--nproc-per-node", str(count), "-m", "lightkiln", *command]
    os.execve(sys.executable, words, {**os.environ, SEVERAL: "1"})


def is_one_of_several() -> bool:
    """Whether `become_torchrun` has started this process."""
    return SEVERAL in os.environ


def are_anothers() -> bool:
    """Whether a person's own torchrun has started the processes: none of them can begin anew."""
    return not is_one_of_several() and int(os.environ.get("WORLD_SIZE", "1")) > 1


def of_this_process(folder: JobFolder) -> JobFolder:
    """The folder that this process works on."""
    rank = int(os.environ["RANK"]) if is_one_of_several() else 0
    return _rank(folder, rank) if rank else folder


def word_of_another(folder: JobFolder) -> WorkerEvent | None:
    """How another process of the job said that it ended, and why; None: it was killed."""
    deadline = time.monotonic() + WORD_SECONDS
    while time.monotonic() < deadline:
        for path in (folder.path / RANKS).iterdir():
            word = Follower(JobFolder(path)).look().last_word
            if word is not None and word.reason:
                return word
        time.sleep(0.1)
    return None


def _rank(folder: JobFolder, rank: int) -> JobFolder:
    return JobFolder(folder.path / RANKS / str(rank))


def _make(folder: JobFolder, rank: JobFolder) -> None:
    rank.artifacts.mkdir(parents=True)
    (rank.path / "job.json").write_bytes(to_json(replace(folder.spec(), finish={})))
    (rank.path / "scene.json").write_bytes(to_json(replace(folder.scene(), path=())))
    rank.files.symlink_to(Path("..", "..", folder.files.name))
    rank.checkpoint.symlink_to(Path("..", "..", folder.checkpoint.name))
