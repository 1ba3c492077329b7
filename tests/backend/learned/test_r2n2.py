# SPDX-License-Identifier: GPL-3.0-or-later
"""The recurrent network: its cells as the paper writes them, and what the shipped one does."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from annotations import checked
from jaxtyping import jaxtyped
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures import r2n2_lesson
from lightkiln.learned.pictures.answers import R2N2, opened
from lightkiln.learned.pictures.material import Material, material
from lightkiln.learned.pictures.r2n2 import GRID, GruCells, LstmCells, R2n2
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.samples import Amounts, samples
from lightkiln.learned.world.shards import Things
from lightkiln.learned.world.things import thing
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.r2n2 import Params
from lightkiln.methods.r2n2.infer import reconstruct
from lightkiln.metrics.voxels import iou
from lightkiln_shared.checks import MAX_PICTURES, check_pictures
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import FileRef, Photo, Region, RegionShape, Scene
from numpy.typing import NDArray
from scipy.ndimage import convolve
from scipy.special import expit
from torch import Tensor

CPU = torch.device("cpu")
MEAN_TRAINING_SHAPE = 0.202
"""IoU of the mean of the things that were taught; see `test_pictures`."""
CUBE = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))


def _convolved(weight: Tensor, h: NDArray[Any]) -> NDArray[Any]:
    """Every output channel's sum of SciPy's convolutions; torch's are correlations."""
    kernels = weight.detach().numpy()[:, :, ::-1, ::-1, ::-1]
    return np.stack(
        [
            sum(convolve(h[c], kernels[o, c], mode="constant") for c in range(len(h)))
            for o in range(len(kernels))
        ]
    )


def _parts(cells: Any, x: NDArray[Any]) -> list[NDArray[Any]]:
    """W x + b of the three gates."""
    weight, bias = cells.seen.weight.detach().numpy(), cells.seen.bias.detach().numpy()
    return np.split((weight @ x + bias).reshape(-1, GRID, GRID, GRID), 3)


@pytest.mark.parametrize("kernel", [1, 3])
def test_lstm_cells_are_the_papers(kernel: int) -> None:
    torch.manual_seed(0)
    cells = LstmCells(5, 2, kernel)
    draw = np.random.default_rng(0)
    x = draw.standard_normal(5).astype(np.float32)
    h, s = draw.standard_normal((2, 2, GRID, GRID, GRID)).astype(np.float32)
    u = [_convolved(each, h) for each in cells.before.weight.chunk(3)]
    forget, take, new = (a + b for a, b in zip(_parts(cells, x), u, strict=True))
    expected = expit(forget) * s + expit(take) * np.tanh(new)
    state = tuple(torch.from_numpy(each)[None] for each in (h, s))
    found_h, found_s = cells(torch.from_numpy(x)[None], state)
    np.testing.assert_allclose(found_s[0].detach().numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(found_h[0].detach().numpy(), np.tanh(expected), atol=1e-5)


@pytest.mark.parametrize("kernel", [1, 3])
def test_gru_cells_are_the_papers(kernel: int) -> None:
    torch.manual_seed(0)
    cells = GruCells(5, 2, kernel)
    draw = np.random.default_rng(0)
    x = draw.standard_normal(5).astype(np.float32)
    h = draw.standard_normal((2, GRID, GRID, GRID)).astype(np.float32)
    of_update, of_reset, of_new = cells.before.weight.chunk(3)
    seen = _parts(cells, x)
    update, reset = (
        expit(a + _convolved(b, h)) for a, b in zip(seen, (of_update, of_reset), strict=False)
    )
    new = np.tanh(seen[2] + _convolved(of_new, reset * h))
    state = (torch.from_numpy(h)[None],) * 2
    found, _ = cells(torch.from_numpy(x)[None], state)
    expected = (1.0 - update) * h + update * new
    np.testing.assert_allclose(found[0].detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("size", [{"pixels": 16}, {"pixels": 127, "gru": 1, "kernel": 1}])
def test_shapes_are_what_they_are_said_to_be(size: dict[str, int]) -> None:
    network = R2n2(**size, width=3, features=4, hidden=2, decoder=4).eval()
    forward = jaxtyped(typechecker=checked)(R2n2.forward)
    pictures = torch.rand(2, 3, 4, size["pixels"], size["pixels"])
    assert forward(network, pictures).shape == (2, 2, 32, 32, 32)


@cache
def fresh() -> Material:
    """Things of no dataset, one of each family, from five sides."""
    amounts = Amounts(views=5, pixels=64, places=64, surface=64)
    each = [samples(thing(family, 1000 + n), amounts) for n, family in enumerate(FAMILIES)]
    columns = {name: np.stack([one[name] for one in each]) for name in each[0]}
    return material(Things(**columns, family=np.arange(len(each))))


def test_the_shipped_one_beats_the_mean_shape_and_gains_by_views() -> None:
    taught = opened(R2N2, "", CPU)
    found = {}
    for views in (1, 3, 5):
        chance, truth = r2n2_lesson.chances(taught.network, fresh(), views)
        found[views] = float(iou(chance > taught.threshold, truth).mean())
    assert found[1] > MEAN_TRAINING_SHAPE + 0.1
    assert found[3] > found[1]
    assert found[5] > found[1]


def test_views_may_come_in_any_order() -> None:
    taught = opened(R2N2, "", CPU)
    views = fresh().things.views
    asked = [_answer(taught.network, views[:, order]) for order in ([0, 1, 2], [2, 0, 1])]
    first, second = (each > taught.threshold for each in asked)
    assert float(iou(first, second).mean()) > 0.85


def _answer(network: Any, views: NDArray[Any]) -> NDArray[Any]:
    pictures = np.moveaxis(views.astype(np.float32) / 255.0, -1, 2)
    pictures[:, :, :3] *= pictures[:, :, 3:]
    return r2n2_lesson.filled(network, torch.from_numpy(pictures))


@pytest.mark.parametrize("count", [1, 4])
def test_photographs_become_a_mesh_in_its_own_frame(count: int) -> None:
    """A sofa is wider than deep or high, from whatever side its pictures were taken."""
    run, number = DetachedRun(), list(FAMILIES).index("sofa")
    inputs = LearnedInputs(region=CUBE, images=tuple(fresh().things.views[number, :count]))
    mesh = reconstruct(inputs, Params(faces=2000), run)
    size = np.ptp(mesh.positions, axis=0)
    assert size.argmax() == 0
    assert len(mesh.triangles) <= 2000
    assert 0.0 < run.metrics[-1]["confidence"] <= 1.0


def test_no_photograph_is_told() -> None:
    with pytest.raises(InvalidScene, match="no photograph"):
        reconstruct(LearnedInputs(region=CUBE), Params(), DetachedRun())


@pytest.mark.parametrize("count", [0, MAX_PICTURES + 1])
def test_as_many_photographs_as_are_looked_at(count: int) -> None:
    photo = Photo(image=FileRef(sha256="0" * 64, size=1, name="a.png"))
    with pytest.raises(InvalidScene, match=f"1 to {MAX_PICTURES} photographs; there are"):
        check_pictures(Scene(views=(), photos=(photo,) * count))
