# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks by a network that a person brings: a real file through the real runtime, and what is said
where either is missing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightkiln.capture.inputs import Inputs
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.registry import load_entry, params_for, spec_named
from lightkiln.testing import a_scene
from lightkiln_shared.errors import InvalidParams
from numpy.typing import NDArray

NAME = "segment-network"
FLOAT, INTS, INT = 1, 7, 2
"""ONNX's numbers for these types of elements and of attributes."""


def varint(value: int) -> bytes:
    """As Protocol Buffers write a number: seven bits a byte, the last ones first."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | str | bytes) -> bytes:
    """A field of a Protocol Buffers message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, shape: Iterable[int]) -> bytes:
    """A ValueInfoProto of floats."""
    sides = b"".join(field(1, field(1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, sides)))


def write_network(path: Path, shape: tuple[int, ...] = (1, 3, 24, 32)) -> None:
    """A network whose saliency is the mean of the colours."""
    axes = field(1, "axes") + field(8, 1) + field(20, INTS)
    keeps = field(1, "keepdims") + field(3, 1) + field(20, INT)
    node = field(1, "colors") + field(2, "saliency") + field(4, "ReduceMean")
    node += field(5, axes) + field(5, keeps)
    graph = field(1, node) + field(2, "mean")
    graph += field(11, tensor("colors", shape))
    graph += field(12, tensor("saliency", (shape[0], 1, *shape[2:])))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))


def segmented(scene: Inputs, run: DetachedRun | None = None, **values: Any) -> Any:
    spec = spec_named(NAME)
    return load_entry(spec)(scene, params_for(spec, "standard", values), run or DetachedRun())


@pytest.fixture(scope="module")
def bright_discs() -> tuple[Inputs, list[NDArray[Any]]]:
    """Bright things on dark ground, a different one in each view, and what they cover."""
    views, truth = [], []
    for index, view in enumerate(a_scene().views):
        rows, columns = np.indices((240, 320))
        disc = np.hypot(columns - 100 - 10 * index, rows - 120) < 70
        shown = np.where(disc[..., None], (250, 220, 230), (20, 40, 10)).astype(np.uint8)
        camera = replace(view.camera, width=320, height=240)
        views.append(replace(view, image=shown, camera=camera, mask=None))
        truth.append(disc)
    return replace(a_scene(), views=tuple(views)), truth


class TestWithTheRuntime:
    @pytest.fixture(autouse=True)
    def runtime(self) -> None:
        pytest.importorskip("onnxruntime", reason="the extra `segment` is not installed")

    @pytest.mark.parametrize("colors", ["imagenet", "half"])
    def test_a_network_finds_what_it_was_made_to_find(
        self, bright_discs: tuple[Inputs, list[NDArray[Any]]], tmp_path: Path, colors: str
    ) -> None:
        write_network(tmp_path / "hell und dunkel.onnx")
        scene, truth = bright_discs
        masks = segmented(scene, model=str(tmp_path / "hell und dunkel.onnx"), colors=colors)
        for mask, disc in zip(masks, truth, strict=True):
            assert mask.dtype == bool
            assert mask.shape == disc.shape
            assert (mask & disc).sum() / (mask | disc).sum() > 0.9  # its pixels are ten of ours

    def test_told_to_finish_it_masks_every_view_all_the_same(
        self, bright_discs: tuple[Inputs, list[NDArray[Any]]], tmp_path: Path
    ) -> None:
        write_network(tmp_path / "net.onnx")
        run = DetachedRun()
        run.finish()
        masks = segmented(bright_discs[0], run, model=str(tmp_path / "net.onnx"))
        assert len(masks) == len(bright_discs[0].views)

    def test_what_is_no_such_network_is_told_so(self, tmp_path: Path) -> None:
        scene, other = a_scene(), tmp_path / "other.onnx"
        with pytest.raises(InvalidParams, match="No network is chosen"):
            segmented(scene)
        with pytest.raises(InvalidParams, match="There is no file"):
            segmented(scene, model=str(tmp_path / "missing.onnx"))
        other.write_bytes(b"not a network" * 9)
        with pytest.raises(InvalidParams, match=r"other\.onnx cannot be used: "):
            segmented(scene, model=str(other))
        write_network(other, shape=(1, 8, 24, 32))
        with pytest.raises(InvalidParams, match="is not a network that finds an object"):
            segmented(scene, model=str(other))


def test_without_the_runtime_it_is_listed_with_its_reason(tmp_path: Path) -> None:
    script = (
        "import importlib.util as u; whole = u.find_spec\n"
        "u.find_spec = lambda name, *_: None if name == 'onnxruntime' else whole(name, *_)\n"
        "from lightkiln.methods.registry import discover, spec_named\n"
        "found = discover()['segment-network']\n"
        "assert found.spec is not None and found.unavailable == 'onnxruntime is not installed'\n"
        "spec_named('segment-network')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "cannot be used: onnxruntime is not installed. Install it, or choose" in done.stderr
