# SPDX-License-Identifier: GPL-3.0-or-later
"""Multicast DNS: announcing a backend, and hearing which are announced. Loaded only when asked for.

Both are loud: every machine of the network hears them. So neither happens unless a person wants it
now: a backend announces with `--announce`, and who searches does so for some seconds.
It speaks IPv4, as the finding of one's neighbours needs no more; where multicast does not reach
(VPNs, other subnets, containers) an address is typed.
It must not know what is done with what is found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

import ifaddr
from zeroconf import (
    BadTypeInNameException,
    IPVersion,
    ServiceBrowser,
    ServiceInfo,
    ServiceListener,
    Zeroconf,
)

from .address import is_loopback
from .announcement import SERVICE, Announced, heard, told

ASK_MILLISECONDS = 2000
TTL_SECONDS = 60
"""A backend that fell without a goodbye is listed no longer than this."""
MAX_HEARD = 64
"""Whoever floods the network with names fills no more than this."""


def announcement(name: str, server_id: str, port: int, hosts: tuple[str, ...]) -> ServiceInfo:
    """What a backend announces, at some addresses of its machine.

    It is called by its id, which is its own: no two of one name get in each other's way, and the
    machine's name is not told.
    """
    return ServiceInfo(
        SERVICE,
        f"{server_id}.{SERVICE}",
        port=port,
        properties=told(name, server_id),
        server=f"lightkiln-{server_id}.local.",
        host_ttl=TTL_SECONDS,
        other_ttl=TTL_SECONDS,
        parsed_addresses=list(hosts),
    )


def own_hosts() -> tuple[str, ...]:
    """The IPv4 addresses of this machine but for loopback, sorted."""
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return tuple(sorted(ip for ip in found if isinstance(ip, str) and not is_loopback(ip)))


class Search(ServiceListener):
    """Listens while it is open. Closing it takes some tenths of a second."""

    def __init__(self, on_change: Callable[[tuple[Announced, ...]], None]) -> None:
        """`on_change` gets all that is announced now, in a thread of its own; `OSError`."""
        self._on_change = on_change
        self._lock = threading.Lock()
        self._heard: dict[str, Announced] = {}
        self._zeroconf = Zeroconf(ip_version=IPVersion.V4Only)
        self._browser = ServiceBrowser(self._zeroconf, SERVICE, listener=self)

    def __enter__(self) -> Search:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._zeroconf.close()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        try:
            info = zc.get_service_info(type_, name, ASK_MILLISECONDS)
        except BadTypeInNameException:
            return
        found = None
        if info is not None:
            found = heard(info.properties, info.parsed_addresses(IPVersion.V4Only), info.port)
        if found is not None:
            self._change(name, found)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.add_service(zc, type_, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._change(name, None)

    def _change(self, name: str, found: Announced | None) -> None:
        with self._lock:
            if found is None:
                self._heard.pop(name, None)
            elif name in self._heard or len(self._heard) < MAX_HEARD:
                self._heard[name] = found
            now = tuple(sorted(self._heard.values(), key=lambda a: (a.name, a.server_id)))
        self._on_change(now)
