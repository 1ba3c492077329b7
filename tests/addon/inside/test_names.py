# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a backend says, under the Python of each Blender, by the rules of both systems."""

from __future__ import annotations

import json
import ntpath
import re
import sys
from pathlib import Path

import pytest
from conftest import module

sys.path.append(str(Path(__file__).parents[2]))
from hostile_names import NAMES


def test_a_photographs_name_becomes_one_plain_file() -> None:
    for name in NAMES:
        ref = module("shared.scene").FileRef(sha256="0" * 64, size=1, name=name)
        made = module("solved")._file_name(ref)
        assert re.fullmatch(r"0{12}-[\w.-]{1,80}", made), name
        assert not made.endswith("."), name
        on_windows = ntpath.normpath(ntpath.join("D:\\scene", made))
        assert ntpath.split(on_windows) == ("D:\\scene", made), name


def test_a_list_of_masks_with_such_a_name_is_refused() -> None:
    odd = [name for name in NAMES if not re.fullmatch(r"[a-z0-9._-]{1,100}", name)]
    assert len(odd) > 190
    for name in odd:  # plain ones are asked for by their name, and kept under one of ours
        listed = json.dumps([{"name": "a", "mask": name}]).encode()
        with pytest.raises(module("shared.errors").MalformedMessage):
            module("found_masks")._read(listed)
