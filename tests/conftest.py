# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: shapes in annotations become checks, and one scene of known geometry.

The hook has to stand before the first import of the code that it checks. Files with jitted
functions are left out, for numba must be given the plain function.
"""

from __future__ import annotations

from pathlib import Path

import lightkiln
import pytest
from jaxtyping import install_import_hook

ROOT = Path(lightkiln.__file__).parent
CHECKED = (
    "ops",
    "fields",
    "learned/distances",
    "learned/pictures",
    "learned/slices",
    "learned/voxels",
    "learned/world",
    "stereo",
    "mesh",
    "metrics",
    "priors/embedded",
    "priors/pipelines",
    "training/distillation",
)


def _checked_modules() -> list[str]:
    files = [path for layer in CHECKED for path in (ROOT / layer).rglob("*.py")]
    return [
        ".".join(("lightkiln", *path.relative_to(ROOT).with_suffix("").parts))
        for path in files
        if path.stem != "__init__" and "numba" not in path.read_text(encoding="utf-8")
    ]


install_import_hook(_checked_modules(), "annotations.checked")

import synthetic  # noqa: E402 after the hook, like every import of the code under test


@pytest.fixture(scope="session")
def synthetic_scene(tmp_path_factory: pytest.TempPathFactory) -> synthetic.SyntheticScene:
    """Two textured balls, sixteen views of 96 x 96 with alpha: see `synthetic.py`."""
    return synthetic.write(tmp_path_factory.mktemp("scenes") / "two_balls")
