# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in a network namespace of its own: what leaves it, and if it works without a way out.

    unshare --net python alone.py DATA SCENE

prints JSON. An interface with a route to everywhere counts what would leave the machine while a
server starts and is asked; then it is taken away, and a job must come to its mesh.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import running_server
from lightkiln_shared.messages import ListMethods
from running_server import RunningServer
from wire_client import connected, followed

WAY_OUT = (
    "ip link set lo up",
    "ip link add out type veth peer name nobody",
    "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",  # the kernel itself would ask for neighbours
    "ip address add 192.0.2.2/24 dev out",
    "ip link set nobody up",
    "ip link set out up",
    "ip route add default via 192.0.2.1 dev out",
    "ip neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out",
)


def packets() -> int:
    """What has left by the way out, from the kernel's own table of this namespace."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "out":
            return int(counts.split()[9])
    raise LookupError("no way out")


async def asked(server: RunningServer) -> None:
    async with connected(server.port, server.token) as client:
        await client.ask(ListMethods())


async def worked(server: RunningServer, scene: Path) -> str:
    async with connected(server.port, server.token) as client:
        job_id = await followed(client, await client.send_scene(scene), steps=3)
        return (await client.until(job_id, "succeeded", "failed")).record.text


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def main() -> None:
    data, scene = map(Path, sys.argv[1:])
    for command in WAY_OUT:
        run(*command.split())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        before = packets()
        probe.sendto(b"anybody", ("198.51.100.1", 9))
    if packets() != before + 1:
        sys.exit("what leaves is not counted here")
    before = packets()
    server = running_server.start(data)
    try:
        asyncio.run(asked(server))
        after = packets()
        run("ip", "link", "delete", "out")
        end = asyncio.run(worked(server, scene))
    finally:
        server.stop()
    sys.stdout.write(json.dumps({"left": after - before, "end": end}))


if __name__ == "__main__":
    main()
