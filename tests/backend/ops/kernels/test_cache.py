# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled kernels are never older than any of the files they come from."""

from pathlib import Path

import numba
from lightkiln.ops.kernels import fingerprint


def test_a_change_in_any_kernel_moves_the_cache(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text("calls callee")
    (tmp_path / "callee.py").write_text("one")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "callee.py").write_text("two")
    assert fingerprint(tmp_path) != before


def test_numba_keeps_the_kernels_where_the_fingerprint_says() -> None:
    assert numba.config.CACHE_DIR
