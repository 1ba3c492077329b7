# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a backend cannot be reached, in a sentence for each way in which that happens.

It must not know how a connection is made.
"""

from __future__ import annotations

import socket

from .address import Address
from .errors import BackendLost, NotAuthorised


def unreachable(address: Address, error: OSError) -> BackendLost:
    """No connection came about."""
    if isinstance(error, socket.gaierror):
        return BackendLost(
            f"No machine is called {address.host} here.", hint="Try its numeric address."
        )
    if isinstance(error, ConnectionRefusedError):
        return BackendLost(
            f"Nothing listens at {address}.", hint="Does `lightkiln serve --lan` run there?"
        )
    return BackendLost(
        f"{address} does not answer.",
        hint="Is the machine on, in the same network, and the port open in its firewall?",
    )


def no_backend(address: Address) -> BackendLost:
    """Something answers, in another language."""
    return BackendLost(
        f"What listens at {address} is not a Lightkiln backend of this kind.",
        hint="Look at the port, and whether both sides have the same version.",
    )


def another(address: Address) -> NotAuthorised:
    """A backend answers, and it is not the one that it should be."""
    return NotAuthorised(
        f"What answers at {address} has another certificate than the backend it should be.",
        hint="Ask who runs it. If it was set up anew, forget it and pair again.",
    )


def knows_no_code(address: Address) -> NotAuthorised:
    """A backend let us pair and could not prove that it shows the code."""
    return NotAuthorised(
        f"What answers at {address} does not know the code.",
        hint="It is not the backend that shows it.",
    )
