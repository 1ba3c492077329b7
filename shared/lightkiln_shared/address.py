# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a backend is, as people type it; and the connection string that is pasted.

    192.168.1.20    attic.local:7417    [fe80::1]:7417    2001:db8::5    https://attic/
    lightkiln://192.168.1.20:7417/FINGERPRINT/CODE

It must not know sockets: whether anybody is there is found out elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from .errors import UserError
from .messages import SHA256
from .pairing import read_code, shown_code

DEFAULT_PORT = 7417
MAX_PORT = 65535
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::(.*))?")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_NUMBERS = re.compile(r"[\d.]+")
_HINT = "Type it like attic, attic.local:7417, 192.168.1.20 or [fd00::5]:7417."


@dataclass(frozen=True, slots=True)
class Address:
    """A machine and a port on it."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if it can only be this machine."""
        if self.host.lower() == "localhost":
            return True
        try:
            return is_loopback(self.host)
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is needed to pair: where, and if it was pasted also with whom and the code."""

    address: Address
    fingerprint: str = ""
    """Of the certificate, 64 hexadecimal digits; empty: the code alone must show it."""
    code: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"lightkiln://{self.address}/{self.fingerprint}/{shown_code(self.code)}"


def is_loopback(numeric: str) -> bool:
    """True for a numeric address of this machine itself; `ValueError` if it is not numeric."""
    found = ipaddress.ip_address(numeric.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def read_invitation(text: str) -> Invitation:
    """A connection string or an address; `UserError` says what is wrong with it."""
    rest = _SCHEME.sub("", text.strip(), count=1)
    where, _, path = rest.partition("/")
    parts = [part for part in path.split("/") if part]
    if not parts:
        return Invitation(read_address(where))
    if len(parts) != 2 or not SHA256.fullmatch(parts[0].lower()):
        raise UserError(
            "The connection string is not whole.", hint="Copy all of the line that was shown."
        )
    return Invitation(read_address(where), parts[0].lower(), read_code(parts[1]))


def read_address(text: str) -> Address:
    """An address in any sensible spelling; `UserError` says what is wrong with it."""
    rest = _SCHEME.sub("", text.strip(), count=1).rstrip("/")
    if "@" in rest:
        raise UserError("An address has no user's name before it.", hint=_HINT)
    bracketed = _BRACKETED.fullmatch(rest)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
        _check_v6(host)
    elif rest.count(":") > 1:
        host, port = rest, None
        _check_v6(host)
    else:
        host, colon, after = rest.partition(":")
        port = after if colon else None
        _check_host(host)
    return Address(host, DEFAULT_PORT if port is None else _read_port(port))


def _read_port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= port <= MAX_PORT:
        raise UserError(f"A port is a number from 1 to {MAX_PORT}, not {text[:20]!r}.", hint=_HINT)
    return port


def _check_v6(host: str) -> None:
    try:
        found = ipaddress.IPv6Address(host)
    except ValueError:
        raise UserError(f"{host[:60]!r} is no IPv6 address.", hint=_HINT) from None
    _check_one_machine(found)


def _check_host(host: str) -> None:
    if not host:
        raise UserError("The address names no machine.", hint=_HINT)
    if _NUMBERS.fullmatch(host):
        try:
            found = ipaddress.IPv4Address(host)
        except ValueError:
            raise UserError(f"{host[:60]!r} is no IPv4 address.", hint=_HINT) from None
        _check_one_machine(found)
    elif len(host) > 253 or not all(map(_LABEL.fullmatch, host.removesuffix(".").split("."))):
        raise UserError(f"{host[:60]!r} is no name of a machine.", hint=_HINT)


def _check_one_machine(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if found.is_unspecified or found.is_multicast:
        raise UserError(
            f"{found} is not the address of one machine.", hint="Type the backend's own address."
        )
