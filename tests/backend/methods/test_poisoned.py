# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are no numbers any more, in the middle of a run: each method goes on without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightkiln.methods.detached import DetachedRun
from lightkiln.testing import reconstructed
from lightkiln.training.radiance_fit import RadianceFit
from lightkiln.training.surface_fit import SurfaceFit

FITS = {
    "neus": SurfaceFit,
    "neuralangelo": SurfaceFit,
    "nerf": RadianceFit,
    "instant-ngp": RadianceFit,
}


@pytest.mark.parametrize("name", FITS)
def test_it_falls_back_and_ends_in_a_mesh(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = FITS[name]
    step = kind.step

    def poisoned(fit: SurfaceFit | RadianceFit, u: float) -> object:
        module = fit.surface if isinstance(fit, SurfaceFit) else fit.radiance
        if fit.num_done == 4:
            with torch.no_grad():
                for each in module.parameters():
                    each.fill_(torch.nan)
        return step(fit, u)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "step", poisoned)
    run = DetachedRun()
    mesh = reconstructed(name, run)
    assert run.warnings == [
        "A step of learning diverged; it was taken back and goes on more slowly."
    ]
    assert len(mesh.triangles) > 0
    assert np.isfinite(mesh.positions).all()
    assert all(np.isfinite(list(step.values())).all() for step in run.metrics)
