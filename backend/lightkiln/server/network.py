# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket that listens, on this machine alone or on the network, and this machine's address.

Nothing is sent from here: no announcement, no question to a name server.
It must not know TLS or the protocol.
"""

from __future__ import annotations

import errno
import socket

from lightkiln_shared.errors import ResourceError

LOOPBACK = "127.0.0.1"
_ELSEWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses that are kept for documentation: nobody is there."""


def listen(port: int, *, lan: bool, option: str = "--port") -> socket.socket:
    """A listening socket, on all addresses with `lan`; `ResourceError` if the port is taken.

    `option` is how people choose another one.
    """
    try:
        if not lan:
            return socket.create_server((LOOPBACK, port))
        if socket.has_dualstack_ipv6():
            family = socket.AF_INET6
            return socket.create_server(("", port), family=family, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ResourceError(
            f"Port {port} cannot be used here: {error.strerror}.",
            hint=f"Choose another with {option}.",
        ) from None


def own_address() -> str:
    """The address by which this machine would reach others; its name if it has no way out."""
    for elsewhere, family in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect((elsewhere, 9))  # a datagram's socket: this sends nothing
            except OSError:
                continue
            return str(asking.getsockname()[0])
    return socket.gethostname()
