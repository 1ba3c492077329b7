# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a command's job is worked on: by a worker of its own on this machine, or on a backend.

Either way there is a folder afterwards with what the job has left in it, and the folder goes.
Under torchrun a command runs once for each device, the methods that can learn together.
It must not know what a job makes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer
from lightkiln_shared.errors import UnknownMethod, UserError
from lightkiln_shared.messages import ListMethods
from lightkiln_shared.params import ParamSpec, specs_of
from lightkiln_shared.scene import Scene

from lightkiln.executors import Slot
from lightkiln.executors.devices import chosen as chosen_slots
from lightkiln.executors.devices import cpu, find_slots, joined
from lightkiln.jobs.folder import JobFolder, JobSpec, create
from lightkiln.jobs.prior import prior_of
from lightkiln.jobs.ranks import num_asked
from lightkiln.methods.registry import params_for, spec_named
from lightkiln.methods.spec import Need

from . import remote_job
from .following import follow
from .line import Line, backend_of, chosen
from .telling import Telling, print_json
from .words import shown

Detach = Annotated[
    bool, typer.Option("--detach", help="With --backend: print the job's id and leave it running.")
]


@dataclass(frozen=True, slots=True)
class Method:
    """What a command has to know of a method."""

    title: str
    params: tuple[ParamSpec, ...]
    needs: tuple[Need, ...]


class Workplace(Protocol):
    """Where jobs are worked on."""

    is_detached: bool
    """A job that is queued is left alone: `run` does not come back."""

    def method(self, name: str) -> Method:
        """`UnknownMethod` if it cannot be used there."""

    def check(self, job: JobSpec) -> None:
        """Refuse at once what can be refused without a scene."""

    def run(
        self,
        job: JobSpec,
        scene: Scene,
        files: Mapping[str, Path],
        folder: Path,
        telling: Telling,
        wanted: Collection[str] | None = None,
    ) -> JobFolder:
        """Work a job to its end in a new folder: its artifacts are there then, at least `wanted`.

        Raises `UserError` with the reason if it comes to another end.
        """


@dataclass(slots=True)
class Here:
    """Satisfies `Workplace` with this machine."""

    log: Path | None = None
    """Where the log of a run is kept that met a bug."""
    is_detached: bool = False

    def method(self, name: str) -> Method:
        spec = spec_named(name)
        return Method(spec.title, specs_of(spec.params), spec.needs)

    def check(self, job: JobSpec) -> None:
        prior_of(params_for(spec_named(job.method), job.preset, job.params))

    def run(
        self,
        job: JobSpec,
        scene: Scene,
        files: Mapping[str, Path],
        folder: Path,
        telling: Telling,
        wanted: Collection[str] | None = None,
    ) -> JobFolder:
        made = create(folder, job, scene, files)
        alone = int(os.environ.get("WORLD_SIZE", "1")) == 1  # torchrun waits for nobody's mesh
        try:
            asyncio.run(follow(made, _slot(job), telling, may_finish=alone))
        except UserError:
            self._keep_log(made)
            raise
        return made

    def _keep_log(self, folder: JobFolder) -> None:
        """What a method's author needs to find its bug."""
        text = folder.log.read_text(encoding="utf-8", errors="replace")
        if self.log is not None and "Traceback" in text:
            shutil.copyfile(folder.log, self.log)


@dataclass(slots=True)
class There:
    """Satisfies `Workplace` with a backend."""

    line: Line
    is_detached: bool = False
    as_json: bool = False

    def method(self, name: str) -> Method:
        infos = {info.name: info for info in self.line.ask(ListMethods()).methods}
        if name not in infos:
            known = ", ".join(map(shown, infos))
            raise UnknownMethod(f"The backend has no method {name!r}.", hint=f"It has: {known}.")
        if infos[name].unavailable:
            reason = shown(infos[name].unavailable)
            raise UnknownMethod(f"The method {name!r} cannot be used there: {reason}.")
        needs = tuple(Need(each) for each in infos[name].needs if each in set(Need))
        return Method(shown(infos[name].title), infos[name].params, needs)

    def check(self, job: JobSpec) -> None:
        """The backend does when it is asked for the job."""

    def run(
        self,
        job: JobSpec,
        scene: Scene,
        files: Mapping[str, Path],
        folder: Path,
        telling: Telling,
        wanted: Collection[str] | None = None,
    ) -> JobFolder:
        job_id = remote_job.submit(self.line, job, scene, files, telling)
        return self.bring(job_id, folder, telling, wanted)

    def bring(
        self, job_id: str, folder: Path, telling: Telling, wanted: Collection[str] | None = None
    ) -> JobFolder:
        """What a job of this command leaves, once it is over; detached: its id, and the end."""
        if self.is_detached:
            if self.as_json:
                print_json({"job_id": job_id})
            else:
                typer.echo(job_id)
            raise typer.Exit
        remote_job.check_succeeded(remote_job.follow(self.line, job_id, telling))
        made = JobFolder(folder)
        made.artifacts.mkdir(parents=True)
        remote_job.fetch(self.line, job_id, made.artifacts, wanted)
        return made


def workplace(
    context: typer.Context, *, detach: bool, as_json: bool, beside: Path | None = None
) -> Workplace:
    """Where `--backend` says; without it, here, with the log of a bug `beside` the result."""
    if backend_of(context):
        return There(chosen(context), is_detached=detach, as_json=as_json)
    if detach:
        raise UserError(
            "--detach leaves a job on a backend.", hint="lightkiln --backend NAME, then the command"
        )
    return Here(None if beside is None else beside.with_suffix(".log"))


def _slot(job: JobSpec) -> Slot:
    """What to work on; a person's own torchrun starts the command once for each device."""
    kinds = spec_named(job.method).devices
    usable = [slot for slot in find_slots() if slot.device.kind in kinds] or [cpu()]
    first = int(os.environ.get("LOCAL_RANK", "0")) % len(usable)
    slots = chosen_slots(usable[first:], num_asked(job))
    if not slots:
        raise UserError(f"There are {len(usable)} devices here.", hint="Ask for fewer devices.")
    return joined(slots)
