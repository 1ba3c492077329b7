# SPDX-License-Identifier: GPL-3.0-or-later
"""A box with a status page, for tests of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import running_server
from pairing_client import paired
from running_server import RunningServer
from wire_client import Client, connected, submission


@dataclass
class Paged:
    """A server, what opens its page, and who is paired."""

    server: RunningServer
    link: str
    token: str
    """Of an artist called ann."""
    scene: Path

    @property
    def address(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def port(self) -> int:
        return int(urlsplit(self.link).port or 0)

    @property
    def secret(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]

    async def submit(self, title: str, **params: float | str) -> str:
        """Queue a job of ann's; returns its id."""
        async with connected(self.server.port, self.token) as ann:
            return await submit(ann, self.scene, title, **params)


async def submit(client: Client, scene: Path, title: str, **params: float | str) -> str:
    asked = submission(await client.send_scene(scene), **params)
    return (await client.ask(replace(asked, title=title))).job_id


def start(data: Path, scene: Path, *options: str) -> Paged:
    server = running_server.start_box(data, *options)
    link = json.loads((data / "server.json").read_text())["page"]
    return Paged(server, link, asyncio.run(paired(server, "ann")), scene)
