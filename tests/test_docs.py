# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents tell the truth: snippets run, messages, errors and commands are described."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import manual
import numpy as np
import pytest
from lightkiln.api import Inputs
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.methods import registry
from lightkiln.methods.detached import DetachedRun
from lightkiln_shared.errors import BY_CODE
from lightkiln_shared.messages import BY_KIND
from synthetic import SyntheticScene

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_message_stands_in_the_protocol(kind: str) -> None:
    assert f"`{kind}`" in (DOCS / "protocol.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_code_stands_in_the_protocol(code: str) -> None:
    assert f"`{code}`" in (DOCS / "protocol.md").read_text(encoding="utf-8")


def test_relative_links_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in link.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_every_test_and_campaign_of_the_page_on_reliability_is_there() -> None:
    page = (DOCS / "benchmarks" / "reliability.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| [PCDS]\d", line)]
    assert len(rows) == 15 + 12 + 4 + 14  # D1 to D5 are one
    said = set(re.findall(r"`([\w./]+)`", " ".join(row[-1] for row in rows)))
    known = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name for name in said if name.endswith(".py") and Path(name).name not in known} == set()
    campaigns = {path.stem for path in (ROOT / "campaigns").glob("*.py")}
    assert {name for name in said if "." not in name} <= campaigns
    assert len(said) > 40


def test_the_method_of_the_manual_runs_as_it_is_printed(
    tmp_path: Path, synthetic_scene: SyntheticScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(manual.write(tmp_path))
    monkeypatch.setenv(registry.DEVELOPMENT_VARIABLE, "silhouettes:SPEC")
    registry.discover.cache_clear()
    importlib.invalidate_caches()
    try:
        spec = registry.spec_named("silhouettes")
        params = registry.params_for(spec, "draft", {"resolution": 48})
        run = DetachedRun()
        mesh = registry.load_entry(spec)(_inputs(synthetic_scene), params, run)
    finally:
        registry.discover.cache_clear()
        sys.modules.pop("silhouettes", None)
    distance = np.abs(synthetic_scene.sdf(mesh.positions))
    extent = np.ptp(synthetic_scene.mesh.positions, axis=0).max()
    assert np.median(distance) < 0.05 * extent


def test_the_model_of_the_manual_passes_the_contract(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(manual.write(tmp_path)),
        registry.DEVELOPMENT_VARIABLE: "blobs:SPEC",
    }
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "lightkiln.testing")
    done = subprocess.run(
        [sys.executable, *words, "-k", "blobs"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def _inputs(scene: SyntheticScene) -> Inputs:
    return load_inputs(*open_scene(scene.folder))
