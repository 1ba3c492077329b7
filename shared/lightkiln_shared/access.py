# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages by which a client becomes known to a backend, and what the backend's owner asks.

A client that has a code begins and finishes a pairing instead of saying hello; it gets a token of
its own and comes back with that. The owner is who holds the token of the backend's own folder.
It must not know how codes become proofs: that is `pairing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .messages import Done, Reply, Request, message


@message("pairing_challenge")
class PairingChallenge(Reply):
    """The backend shows a code just now; prove that you have read it."""

    nonce: str
    """64 random hexadecimal digits."""


@message("begin_pairing")
class BeginPairing(Request[PairingChallenge]):
    """In the place of a hello: ask to become known."""

    protocols: tuple[int, ...]
    """Versions the client speaks, newest first."""
    client: str
    """What the backend's owner sees in the list of clients."""
    nonce: str
    """64 random hexadecimal digits."""


@message("paired")
class Paired(Reply):
    """The client is known from now on; the connection is over."""

    proof: str
    """That the backend knows the code too: to be checked before anything else is believed."""
    token: str
    """For every hello from now on."""
    name: str
    """What the backend is called; may be empty."""


@message("finish_pairing")
class FinishPairing(Request[Paired]):
    """Prove that the code has been read."""

    proof: str


@message("pairing_opened")
class PairingOpened(Reply):
    """The code to be read aloud, typed or pasted."""

    code: str
    seconds: float
    """How long it can be used; it serves one client."""


@message("open_pairing")
class OpenPairing(Request[PairingOpened]):
    """For the owner: let one client pair. The code dies with the connection that asked for it, or
    when another one is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInfo:
    """A client that is paired."""

    client_id: str
    name: str
    paired: float
    """Unix seconds."""
    last_seen: float
    """Unix seconds; 0: never since it paired."""


@message("clients")
class Clients(Reply):
    """The paired clients, oldest first."""

    clients: tuple[ClientInfo, ...]
    code_seconds: float
    """How long the code that is shown can still be used; 0: there is none."""


@message("list_clients")
class ListClients(Request[Clients]):
    """For the owner: who is paired."""


@message("revoke_client")
class RevokeClient(Request[Done]):
    """For the owner: end a pairing. Its connections are closed, its unfinished jobs cancelled."""

    client_id: str


OPENING = (BeginPairing, FinishPairing)
"""What may be said in the place of a hello."""
FOR_THE_OWNER = (OpenPairing, ListClients, RevokeClient)
"""What nobody but the owner may ask."""
