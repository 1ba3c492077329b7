# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may paste into a report of a fault: versions, states; no tokens, no paths. No bpy.

Sentences that came from elsewhere may quote anything, so every line passes through `scrubbed`.
"""

from __future__ import annotations

import platform
import re

from .status import Job, Status

_PATHS = re.compile(r"\S*[\\/].*")
"""To the line's end, for nothing tells where a path with spaces ends."""
_SECRETS = re.compile(r"[A-Za-z0-9_-]{24,}|\b[0-9A-HJKMNP-TV-Z]{4}-?[0-9A-HJKMNP-TV-Z]{4}\b")
"""Long enough to be a token, a hash or a key, or like a pairing code; no word of ours is."""


def text(versions: dict[str, str], status: Status) -> str:
    """All of it, a fact in a line."""
    lines = [f"{name}: {value}" for name, value in versions.items()]
    lines.append(f"System: {platform.system()} {platform.machine()}")
    lines.append(f"Link: {status.link}. {status.link_error}")
    if status.welcome is not None:
        lines.append(f"Backend: {status.welcome.server_version}")
        lines += [f"Device: {d.name}, {d.memory_mb} MB" for d in status.welcome.devices]
    for info in status.methods.values():
        lines.append(f"Method: {info.name}. {info.unavailable}")
    lines.append(f"Problem: {status.problem or 'none'}")
    if status.job is not None:
        lines += _about(status.job)
    return "\n".join(map(scrubbed, lines)) + "\n"


def scrubbed(line: str) -> str:
    """The line without paths and without whatever could be a secret."""
    return _SECRETS.sub("(hidden)", _PATHS.sub("(path)", line)).strip()


def _about(job: Job) -> list[str]:
    lines = [f"Job: {job.method}, {job.preset}, {job.state or 'sending'}. {job.reason}"]
    if job.order is not None:
        lines.append(f"Cameras: {len(job.order.shots)}; finish: {job.order.finish}")
    if job.progress is not None:
        told = job.progress
        lines.append(f"Phase: {told.phase}, step {told.step} of {told.num_steps}")
    return lines + [f"Warning: {warning}" for warning in job.warnings]
