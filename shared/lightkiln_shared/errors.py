# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that a person may see or that may cross the wire, with its permanent code.

    LightkilnError (internal)          a bug: nobody foresaw it
    ├── UserError (user)               the person can mend it; `hint` says how
    │   ├── InvalidScene               cameras, images, masks or region cannot be used
    │   ├── InvalidPrompt              a prompt or a model that cannot be used
    │   ├── InvalidParams              a parameter is unknown, mistyped or out of range
    │   ├── InvalidWeights             a file of weights that cannot be used, or not by this method
    │   ├── UnknownMethod              no such method, or it cannot run here
    │   ├── UnknownJob                 no such job, or it is in the wrong state for this
    │   ├── OverQuota                  more than the backend's owner grants to each client
    │   └── NothingReconstructed       the run ended without a surface
    ├── ResourceError (resource)       disk, memory or device ran out
    │   └── PartnerLost                one of the processes that work on a job together has ended
    ├── ProtocolError (protocol)       the peer broke the rules of the wire; the session ends
    │   ├── MalformedMessage           undecodable; names the place
    │   ├── LimitExceeded              too large, too many, too fast
    │   ├── VersionMismatch            no protocol version in common
    │   └── NotAuthorised              wrong token or wrong certificate
    ├── BackendLost (backend_lost)     the backend went away
    └── JobCancelled (job_cancelled)   raised between two steps; not a failure

It must not know how an error is shown.
"""

from __future__ import annotations

import errno
from typing import ClassVar

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says of a disk on which there is no more space, or none for this user."""


class LightkilnError(Exception):
    """Base class; by itself it stands for a failure nobody foresaw."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __init_subclass__(cls, *, code: str) -> None:
        if code in BY_CODE:
            raise TypeError(f"error code {code!r} is taken by {BY_CODE[code].__name__}")
        cls.code = code
        BY_CODE[code] = cls

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


BY_CODE: dict[str, type[LightkilnError]] = {"internal": LightkilnError}


class UserError(LightkilnError, code="user"):
    """The person can mend this; `hint` says how."""


class InvalidScene(UserError, code="invalid_scene"):
    """The cameras, images, masks or region cannot be used as they are."""


class InvalidPrompt(UserError, code="invalid_prompt"):
    """The prompt cannot be used as it is, or not with the model that was chosen."""


class InvalidParams(UserError, code="invalid_params"):
    """A method parameter is unknown, of the wrong type or out of range."""


class InvalidWeights(UserError, code="invalid_weights"):
    """A file of weights that cannot be used, or not by this method."""


class UnknownMethod(UserError, code="unknown_method"):
    """No method of that name, or it cannot run on this backend."""


class UnknownJob(UserError, code="unknown_job"):
    """No job of that id, or it is not in a state in which this can be done."""


class OverQuota(UserError, code="over_quota"):
    """More jobs, connections or bytes than the backend's owner grants to each client."""


class NothingReconstructed(UserError, code="nothing_reconstructed"):
    """The run came to its end but found no surface."""


class ResourceError(LightkilnError, code="resource"):
    """Disk, memory or device ran out."""


class PartnerLost(ResourceError, code="partner_lost"):
    """One of the processes that work on a job together has ended."""


class ProtocolError(LightkilnError, code="protocol"):
    """The peer broke the rules of the wire; the session ends."""


class MalformedMessage(ProtocolError, code="malformed_message"):
    """A frame or message that cannot be decoded; the text names the place."""


class LimitExceeded(ProtocolError, code="limit_exceeded"):
    """Too large, too many or too fast."""


class VersionMismatch(ProtocolError, code="version_mismatch"):
    """The two sides have no protocol version in common."""


class NotAuthorised(ProtocolError, code="not_authorised"):
    """Wrong token, or a certificate that is not the expected one."""


class BackendLost(LightkilnError, code="backend_lost"):
    """The backend ended or cannot be reached."""


class JobCancelled(LightkilnError, code="job_cancelled"):
    """Raised inside a run, between two steps, when the job was cancelled."""


def from_code(code: str, message: str, hint: str = "") -> LightkilnError:
    """Rebuild an error that came over the wire; an unknown code becomes the base class."""
    return BY_CODE.get(code, LightkilnError)(message, hint=hint)


def of_system(error: OSError) -> ResourceError:
    """What a person is told when the system refuses a file."""
    if error.errno in FULL:
        return ResourceError(
            "The disk is full.", hint="Free some space on it, or delete old jobs, then try again."
        )
    where = f"{error.filename}: " if error.filename else ""
    return ResourceError(
        f"A file could not be used: {where}{error.strerror or error}.",
        hint="Look at the free space and the rights of its folder.",
    )
