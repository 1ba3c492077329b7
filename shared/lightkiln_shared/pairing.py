# SPDX-License-Identifier: GPL-3.0-or-later
"""How two sides that share a short code prove it to each other over a line that may be tapped.

    T = SHA-256(label, F, nc, ns, name)          what both have seen; each part with its length
    K = scrypt(code, salt=T, N=2^15, r=8, p=1)   32 MiB and some tenths of a second for each guess
    client's proof = HMAC(K, "client", T)        server's proof = HMAC(K, "server", T)

F is the SHA-256 of the certificate: the client puts in the one that it saw. Who sits between the
two has shown another one, so a proof that is passed on does not fit; to make one takes a search of
the 2^40 codes while the code lives. The nonces make every exchange another one, so nothing recorded
fits again, and nothing can be worked out before. The figures of scrypt belong to the protocol and
are never taken from the peer.
It must not know sockets, clocks or how many guesses are allowed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from .errors import MalformedMessage, UserError
from .messages import SHA256

LABEL = b"lightkiln pairing 1"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O and U."""
CODE_CHARACTERS = 8
MAX_NAME = 64
_LOOK_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_code() -> str:
    """Forty random bits that can be read aloud."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))


def shown_code(code: str) -> str:
    """In two groups: `7K3M-9QXT`."""
    return f"{code[:4]}-{code[4:]}"


def read_code(text: str) -> str:
    """A code as somebody typed it; `UserError` if it cannot be one."""
    code = text.upper().translate(_LOOK_ALIKE)
    if len(code) != CODE_CHARACTERS or not set(code) <= set(ALPHABET):
        raise UserError(
            f"A pairing code has {CODE_CHARACTERS} letters and digits, like 7K3M-9QXT.",
            hint="`lightkiln pair`, typed at the backend, shows one.",
        )
    return code


def checked_name(text: str) -> str:
    """A name of a computer or a backend, to be shown to people; `UserError` if it is none."""
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise UserError(f"A name has 1 to {MAX_NAME} characters that can be seen.")
    return name


def new_nonce() -> str:
    """64 hexadecimal digits."""
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What both sides have seen of a pairing. `MalformedMessage` for what is no nonce."""

    fingerprint: str
    """Of the server's certificate, 64 hexadecimal digits; the client's is the one that it saw."""
    client_nonce: str
    server_nonce: str
    client: str
    """The name that the client gave."""

    def __post_init__(self) -> None:
        for nonce in (self.client_nonce, self.server_nonce):
            if not SHA256.fullmatch(nonce):
                raise MalformedMessage("a nonce has 64 lower-case hexadecimal digits")

    @property
    def digest(self) -> bytes:
        """T, 32 bytes."""
        parts = (self.fingerprint, self.client_nonce, self.server_nonce, self.client)
        seen = hashlib.sha256(LABEL)
        for part in (text.encode() for text in parts):
            seen.update(len(part).to_bytes(4, "big") + part)
        return seen.digest()

    def key(self, code: str) -> bytes:
        """K, 32 bytes; takes 32 MiB and some tenths of a second."""
        memory = 64 * 1024**2  # twice what these figures need
        return hashlib.scrypt(
            code.encode(), salt=self.digest, n=2**15, r=8, p=1, maxmem=memory, dklen=32
        )

    def proof(self, key: bytes, side: str) -> str:
        """The proof of one side, `client` or `server`; 64 hexadecimal digits."""
        return hmac.new(key, side.encode() + self.digest, hashlib.sha256).hexdigest()

    def is_proof(self, given: str, key: bytes, side: str) -> bool:
        """True if `given` is that side's proof; takes the same time either way."""
        return hmac.compare_digest(given.encode(), self.proof(key, side).encode())
