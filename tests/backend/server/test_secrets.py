# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens and codes of a real server, looked for wherever others could see them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest
from lightkiln_shared.access import OpenPairing
from lightkiln_shared.messages import JobProgressed
from pairing_client import begin
from running_server import RunningServer
from wire_client import connected, followed

if sys.platform != "linux":
    pytest.skip("what others see of a process is read from /proc", allow_module_level=True)


def seen(process: psutil.Process) -> bytes:
    """What other programs of the same person see of a process; its arguments everybody sees."""
    about = Path(f"/proc/{process.pid}")
    return (about / "cmdline").read_bytes() + (about / "environ").read_bytes()


def test_no_secret_stands_in_arguments_environments_logs_or_jobs(
    own_server: RunningServer, scene: Path
) -> None:
    process = psutil.Process(own_server.process.pid)

    async def whole() -> tuple[list[str], bytes]:
        async with connected(own_server.port, own_server.token) as owner:
            code = (await owner.ask(OpenPairing())).code
            begun = await begin(own_server.port, "Ann's laptop")
            key = begun.exchange.key(code)
            token = (await begun.finish(begun.exchange.proof(key, "client"))).token
        async with connected(own_server.port, token) as ann:
            job_id = await followed(ann, await ann.send_scene(scene), steps=100, seconds=0.01)
            await ann.event(JobProgressed, lambda e: e.progress.step > 2)
            around = b"".join(map(seen, (process, *process.children(recursive=True))))
            await ann.until(job_id, "succeeded")
        return [token, code, f"{code[:4]}-{code[4:]}"], around

    secrets, around = asyncio.run(whole())
    assert b"LIGHTKILN_METHODS" in around, "so the look is a true one"
    assert b"worker" in around
    kept = [path for path in own_server.data.parent.rglob("*") if path.is_file()]
    assert any(path.name == "log.txt" for path in kept)
    for secret in map(str.encode, (*secrets, own_server.token)):
        assert secret not in around
        owners = {"server.json"} if secret == own_server.token.encode() else set()
        holding = {path.name for path in kept if secret in path.read_bytes()}
        assert holding <= owners, "the one place where the owner's own token may be read from"
