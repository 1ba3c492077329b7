# SPDX-License-Identifier: GPL-3.0-or-later
"""Who this server is: a self-signed certificate that clients know by its SHA-256.

Nobody signs it and nobody checks its dates or its name; a client compares the fingerprint before it
sends its first byte.
It must not know the protocol above TLS.
"""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lightkiln_shared.private_file import write_private as write_private

ALPN = "lightkiln/1"
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(2049, 12, 31, tzinfo=UTC)  # studio clocks may be wrong by years


def server_context(folder: Path) -> tuple[ssl.SSLContext, str]:
    """The server's TLS, and its fingerprint, 64 hexadecimal digits; made at the first start."""
    path = folder / "server.pem"
    if not path.exists():
        write_private(path, _make())
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(path)
    context.set_alpn_protocols([ALPN])
    der = certificate.public_bytes(serialization.Encoding.DER)
    return context, hashlib.sha256(der).hexdigest()


def _make() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lightkiln")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=FIRST_DAY,
        not_valid_after=LAST_DAY,
    )
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
