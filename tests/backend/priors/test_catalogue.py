# SPDX-License-Identifier: GPL-3.0-or-later
"""Priors by name."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lightkiln.priors import catalogue
from lightkiln.priors.manifest import Style
from lightkiln_shared.errors import InvalidPrompt


def test_knowing_the_built_in_prior_loads_neither_torch_nor_pipelines() -> None:
    script = (
        "import sys; from lightkiln.priors.catalogue import EMBEDDED, manifest_of; "
        "assert manifest_of(EMBEDDED).name == EMBEDDED; "
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


def test_the_built_in_prior_knows_every_style_and_its_licence() -> None:
    manifest = catalogue.manifest_of(catalogue.EMBEDDED)
    assert set(manifest.styles) == set(Style)
    assert manifest.licence.startswith("GPL-3.0")


def test_without_the_extra_a_person_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "LIBRARIES", ("torch", "a_library_that_is_not_there"))
    with pytest.raises(InvalidPrompt, match=r"need a_library_that_is_not_there.*lightkiln\[text\]"):
        catalogue.manifest_of("someone/something")


@pytest.mark.parametrize("each", catalogue.SUGGESTIONS, ids=lambda each: each.model)
def test_what_is_suggested_is_an_id_with_a_licence(each: catalogue.Suggestion) -> None:
    assert each.model.count("/") == 1
    assert each.title
    assert each.licence
