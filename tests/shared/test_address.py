# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as people type them, and connection strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkiln_shared.address import (
    DEFAULT_PORT,
    Address,
    Invitation,
    is_loopback,
    read_address,
    read_invitation,
)
from lightkiln_shared.errors import UserError
from lightkiln_shared.pairing import ALPHABET

PORTS = st.integers(1, 65535)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?(\.[a-z]{2,8}){0,3}", fullmatch=True)
V4 = st.ip_addresses(v=4).filter(lambda ip: not ip.is_multicast and not ip.is_unspecified)
V6 = st.ip_addresses(v=6).filter(lambda ip: not ip.is_multicast and not ip.is_unspecified)
HOSTS = st.one_of(NAMES, V4.map(str), V6.map(str))
SCHEMES = st.sampled_from(["", "lightkiln://", "https://", "HTTP://", "tcp://"])


@given(host=HOSTS, port=PORTS, scheme=SCHEMES, end=st.sampled_from(["", "/", " "]))
def test_every_sensible_spelling_is_read(host: str, port: int, scheme: str, end: str) -> None:
    address = Address(host, port)
    assert read_address(f" {scheme}{address}{end}") == address
    assert read_invitation(f"{scheme}{address}{end}") == Invitation(address)


@given(host=HOSTS, scheme=SCHEMES)
def test_without_a_port_it_is_the_usual_one(host: str, scheme: str) -> None:
    assert read_address(f"{scheme}{host}") == Address(host, DEFAULT_PORT)
    if ":" in host:
        assert read_address(f"{scheme}[{host}]") == Address(host, DEFAULT_PORT)


@given(host=HOSTS, port=PORTS, data=st.binary(min_size=32, max_size=32), code=st.data())
def test_a_connection_string_is_read_back(
    host: str, port: int, data: bytes, code: st.DataObject
) -> None:
    letters = code.draw(st.text(ALPHABET, min_size=8, max_size=8))
    made = Invitation(Address(host, port), data.hex(), letters)
    assert read_invitation(str(made)) == made
    assert read_invitation(f"  {str(made).lower()}\n") == Invitation(
        Address(host.lower(), port), data.hex(), letters
    )


@given(st.text(max_size=80))
def test_whatever_is_typed_is_an_address_or_a_sentence(text: str) -> None:
    try:
        invitation = read_invitation(text)
    except UserError as error:
        assert error.message.endswith(".")
    else:
        assert 1 <= invitation.address.port <= 65535
        assert not set(invitation.address.host) & set(" /@?#\\\n\t\0")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names no machine"),
        (":7417", "names no machine"),
        ("attic:", "A port is a number"),
        ("attic:0", "A port is a number"),
        ("attic:65536", "A port is a number"),
        ("attic:http", "A port is a number"),
        ("ann@attic", "no user's name"),
        ("at tic", "is no name of a machine"),
        ("-attic", "is no name of a machine"),
        ("attic..local", "is no name of a machine"),
        ("300.1.1.1", "is no IPv4 address"),
        ("192.168.1", "is no IPv4 address"),
        ("[fe80::zz]", "is no IPv6 address"),
        ("fe80:1:2", "is no IPv6 address"),
        ("0.0.0.0", "not the address of one machine"),
        ("[::]:7417", "not the address of one machine"),
        ("224.0.0.251", "not the address of one machine"),
        ("lightkiln://attic:7417/abcdef/7K3M-9QXT", "is not whole"),
        (f"lightkiln://attic:7417/{'ab' * 32}", "is not whole"),
        (f"lightkiln://attic:7417/{'ab' * 32}/7K3M", "A pairing code has 8"),
    ],
)
def test_each_mistake_has_its_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_invitation(text)


@pytest.mark.parametrize(
    ("numeric", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.20", False),
        ("::ffff:192.168.1.20", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
    ],
)
def test_what_is_this_machine(numeric: str, here: bool) -> None:
    assert is_loopback(numeric) is here
    assert Address(numeric, 1).is_loopback is here
    assert Address("localhost", 1).is_loopback
    assert not Address("localhost.example", 1).is_loopback
