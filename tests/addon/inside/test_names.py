# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a backend says, under the Python of each Blender, by the rules of both systems."""

from __future__ import annotations

import ntpath
import re
import sys
from pathlib import Path

import pytest
from conftest import module

sys.path.append(str(Path(__file__).parents[2]))
from hostile_names import NAMES


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_photographs_name_becomes_one_plain_file(name: str) -> None:
    ref = module("shared.scene").FileRef(sha256="0" * 64, size=1, name=name)
    made = module("solved")._file_name(ref)
    assert re.fullmatch(r"0{12}-[\w.-]{1,80}", made)
    assert not made.endswith(".")
    on_windows = ntpath.normpath(ntpath.join("D:\\scene", made))
    assert ntpath.dirname(on_windows) == "D:\\scene"
    assert ntpath.splitdrive(on_windows)[0] == "D:"


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_list_of_masks_with_such_a_name_is_refused(name: str) -> None:
    if re.fullmatch(r"[a-z0-9._-]{1,100}", name):
        return  # plain; it is asked for by this name, and kept under one of ours
    listed = f'[{{"name": "a", "mask": {module("found_masks").json.dumps(name)}}}]'.encode()
    with pytest.raises(module("shared.errors").MalformedMessage):
        module("found_masks")._read(listed)
