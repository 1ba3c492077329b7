# SPDX-License-Identifier: GPL-3.0-or-later
"""What is announced comes back as it was told; whatever else is heard is harmless or nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lightkiln_shared.address import Address
from lightkiln_shared.announcement import Announced, heard, told
from lightkiln_shared.pairing import MAX_NAME, checked_name

ID = "0123456789abcdef"
HOSTS = ["192.168.1.20", "fd00::5"]
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


def record(told: dict[str, str]) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in told.items()}


@given(name=names)
def test_what_is_told_is_heard(name: str) -> None:
    assert heard(record(told(name, ID)), HOSTS, 7417) == Announced(
        server_id=ID,
        name=name,
        addresses=(Address("192.168.1.20", 7417), Address("fd00::5", 7417)),
        speaks=True,
    )


def test_nothing_is_told_but_protocol_id_and_name() -> None:
    assert set(told("attic", ID)) == {"p", "id", "n"}
    assert all(len(f"{k}={v}".encode()) < 255 for k, v in told("🏺" * MAX_NAME, ID).items())


@given(
    values=st.dictionaries(
        st.sampled_from([b"p", b"id", b"n"]),
        st.one_of(st.none(), st.binary(max_size=300), st.sampled_from([b"1-1", ID.encode()])),
    ),
    hosts=st.lists(st.one_of(st.text(max_size=40), st.sampled_from(HOSTS)), max_size=20),
    port=st.one_of(st.none(), st.integers(-1, 70_000)),
)
def test_whatever_is_heard_can_be_shown(
    values: dict[bytes, bytes | None], hosts: list[str], port: int | None
) -> None:
    found = heard(values, hosts, port)
    if found is not None:
        assert checked_name(found.name) == found.name
        assert len(found.server_id) == len(ID)
        assert 0 < len(found.addresses) <= 8
        assert all(address.port == port for address in found.addresses)


def test_a_backend_of_another_protocol_is_listed_as_such() -> None:
    later = heard({b"p": b"7-9", b"id": ID.encode(), b"n": b"attic"}, HOSTS, 7417)
    assert later is not None
    assert not later.speaks
