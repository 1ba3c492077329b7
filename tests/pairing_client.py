# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairing as tests do it, step by step, so that each step can be done wrongly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from lightkiln_shared.access import BeginPairing, FinishPairing, OpenPairing, Paired
from lightkiln_shared.pairing import Exchange, new_nonce
from running_server import RunningServer
from wire_client import Client, connected, unwelcome


@dataclass
class Begun:
    """A pairing after the server's nonce has come."""

    client: Client
    exchange: Exchange

    def proof(self, code: str) -> str:
        return self.exchange.proof(self.exchange.key(code), "client")

    async def finish(self, proof: str) -> Paired:
        try:
            return await self.client.ask(FinishPairing(proof=proof))
        finally:
            await self.client.close()


def seen_fingerprint(client: Client) -> str:
    der: Any = client.writer.get_extra_info("ssl_object").getpeercert(True)
    return hashlib.sha256(der).hexdigest()


async def begin(port: int, name: str = "a test") -> Begun:
    client = await unwelcome(port)
    request = BeginPairing(protocols=(1,), client=name, nonce=new_nonce())
    try:
        challenge = await client.ask(request)
    except BaseException:
        await client.close()
        raise
    exchange = Exchange(
        fingerprint=seen_fingerprint(client),
        client_nonce=request.nonce,
        server_nonce=challenge.nonce,
        client=name,
    )
    return Begun(client, exchange)


async def paired(server: RunningServer, name: str = "a test") -> str:
    """Pair, the owner looking on; returns the token."""
    async with connected(server.port, server.token) as owner:
        code = (await owner.ask(OpenPairing())).code
        begun = await begin(server.port, name)
        key = begun.exchange.key(code)
        answer = await begun.finish(begun.exchange.proof(key, "client"))
        assert begun.exchange.is_proof(answer.proof, key, "server")
        return answer.token
