# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts on one machine: network namespaces that are joined by a cable of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NET = "10.213.7"


class Unavailable(Exception):
    """This machine has no namespaces for us; the text says why."""


@dataclass(frozen=True)
class Host:
    """One of the two."""

    name: str
    address: str

    def words(self, *command: str) -> list[str]:
        """A command as it runs on that host."""
        return ["ip", "netns", "exec", self.name, *command]

    def sent(self) -> int:
        """Packets that have left it since it was made."""
        counter = f"/sys/class/net/lk-{self.name}/statistics/tx_packets"
        said = subprocess.run(
            self.words("cat", counter), capture_output=True, text=True, check=True
        )
        return int(said.stdout)


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts that reach each other and nobody else; IPv6 is off, so the system keeps still."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        raise Unavailable("network namespaces want Linux, root and the command ip")
    hosts = [Host(f"{os.getpid()}{end}", f"{NET}.{end}") for end in (1, 2)]
    one, two = (f"lk-{host.name}" for host in hosts)
    try:
        for host in hosts:
            _ip("netns", "add", host.name)
            _run(*host.words("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
        _ip("link", "add", one, "netns", hosts[0].name, "type", "veth", "peer", two)
        _ip("link", "set", two, "netns", hosts[1].name)
        for host in hosts:
            link = f"lk-{host.name}"
            _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", link)
            for each in ("lo", link):
                _ip("-n", host.name, "link", "set", each, "up")
            _ip("-n", host.name, "route", "add", "default", "dev", link)
        yield hosts[0], hosts[1]
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(error.cmd)}: {error.stderr}") from None
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True, check=False)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
