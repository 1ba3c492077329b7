# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature fields: rays are the renderings' own, what is dense hides, what moves is seen moved."""

import math

import numpy as np
import pytest
import torch
from lightkiln.priors.embedded.feature_fields import (
    FEATURES,
    SIDE,
    FeatureFields,
    axes,
    samples,
)
from lightkiln.priors.embedded.manifest import DISTANCE, FOV
from lightkiln.priors.embedded.prior import to_camera
from lightkiln.priors.embedded.renders import camera_axes
from lightkiln.priors.prior import Viewpoints

TOLD = 24
STEP = 2.0 / SIDE


@pytest.fixture
def fields() -> FeatureFields:
    torch.manual_seed(0)
    made = FeatureFields(TOLD)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made


def test_samples_lie_in_the_ball_on_the_rays_through_the_middles_of_the_patches() -> None:
    points, cell = samples()
    assert float(points.norm(dim=-1).max()) < 1.0
    focal = 0.5 / math.tan(0.5 * FOV)
    depth = DISTANCE - points[:, 2]
    column = SIDE * (0.5 + focal * points[:, 0] / depth) - 0.5
    row = SIDE * (0.5 - focal * points[:, 1] / depth) - 0.5
    np.testing.assert_allclose(column, cell % SIDE, atol=1e-4)
    np.testing.assert_allclose(row, cell // SIDE % SIDE, atol=1e-4)
    nearer = depth[:-1] <= depth[1:] + 1e-6
    assert bool(nearer.all())  # so that what comes first hides what comes later


def test_a_cameras_axes_are_those_of_the_renderings() -> None:
    around, above = torch.tensor([0.0, 1.0, 4.0]), torch.tensor([-0.2, 0.3, 1.0])
    viewpoints = Viewpoints(azimuth=around, elevation=above, distance=around, fov=around)
    expected = [camera_axes(float(a), float(e)) for a, e in zip(around, above, strict=True)]
    np.testing.assert_allclose(axes(to_camera(viewpoints)), np.stack(expected), atol=1e-6)


@pytest.mark.parametrize("density", [0.01, 0.5, 3.0, 50.0])
def test_an_even_mist_is_seen_as_its_closed_form_says(
    fields: FeatureFields, density: float
) -> None:
    """One minus exp(-sigma length) of each ray, shared by two things as their densities are."""
    sigma = torch.tensor([0.75, 0.25])[None, :, None] * torch.full(
        (1, 2, len(fields.points)), density
    )
    along = torch.zeros(SIDE**2, 2).index_add(0, fields.cell % SIDE**2, fields.shares(sigma)[0].mT)
    length = STEP * torch.bincount(fields.cell % SIDE**2, minlength=SIDE**2)
    filled = 1.0 - (-density * length).exp()
    # Of so thin a mist FAINTEST takes its part: 1e-4 / 0.01.
    np.testing.assert_allclose(along.sum(dim=1), filled, atol=1e-6, rtol=1.1e-4 / density)
    np.testing.assert_allclose(along[:, 0], 3.0 * along[:, 1], rtol=1e-5)


def test_what_is_dense_hides_what_is_behind_it(fields: FeatureFields) -> None:
    in_front = (fields.points[:, 2] > 0.0).float()
    sigma = 400.0 * torch.stack([in_front, 1.0 - in_front])[None]
    front, behind = torch.zeros(2, SIDE**2).index_add(
        1, fields.cell % SIDE**2, fields.shares(sigma)[0]
    )
    met = torch.zeros(SIDE**2).index_add(0, fields.cell % SIDE**2, in_front) > 0
    assert bool((front[met] > 0.999).all())
    assert bool((behind[met] < 1e-6).all())


def test_a_thing_that_is_moved_and_grown_has_the_same_field_there(fields: FeatureFields) -> None:
    things, x = torch.randn(1, 2, TOLD), torch.randn(1, 7, 3)
    torch.nn.init.zeros_(fields.frame.weight)
    torch.nn.init.zeros_(fields.frame.bias)
    before = fields.basis(x, things)
    place, size = torch.tensor([0.3, -0.2, 0.1]), torch.tensor([0.5, 0.0, -0.4])
    with torch.no_grad():
        fields.frame.bias.copy_(torch.cat([place, size / 1.2]).atanh())
    after = fields.basis(x * size.exp() + place, things)
    np.testing.assert_allclose(after.detach(), before.detach(), atol=1e-5)


def test_a_field_that_is_the_same_everywhere_looks_the_same_from_everywhere(
    fields: FeatureFields,
) -> None:
    things = torch.randn(1, 2, TOLD).expand(3, -1, -1)
    torch.nn.init.zeros_(fields.first.weight)
    around, above = torch.tensor([0.4, 2.0, 5.0]), torch.tensor([0.0, -0.2, 0.9])
    camera = to_camera(Viewpoints(azimuth=around, elevation=above, distance=above, fov=above))
    seen = fields(things, camera).detach()
    assert seen.shape == (3, FEATURES + 1, SIDE, SIDE)
    np.testing.assert_allclose(seen[1:], seen[:1].expand(2, -1, -1, -1), atol=1e-4)
