# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that cannot be priors: one sentence each, which says what to do."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from lightkiln.priors import catalogue
from lightkiln_shared.errors import InvalidPrompt

pytestmark = pytest.mark.usefixtures("offline")

CARD = "---\nlicense: creativeml-openrail-m\ntags:\n- license\n---\n# A model\n"


@pytest.mark.parametrize(
    ("name", "text", "licence"),
    [
        ("README.md", CARD, "CreativeML OpenRAIL-M"),
        ("README.md", "---\nlicense: other\nlicense_name: my-own\n---\n", "my-own"),
        ("README.md", "No head.\nlicense: mit\n", "not stated"),
        ("LICENSE.md", "\n# Some Licence 1.0\n\nYou may.", "Some Licence 1.0"),
        ("notes.txt", "", "not stated"),
    ],
)
def test_the_licence_is_what_the_folder_says(
    name: str, text: str, licence: str, pipelines: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(pipelines["deepfloyd-if"], tmp_path / "model")
    (folder / name).write_text(text)
    assert catalogue.manifest_of(str(folder)).licence == licence


def without_unet(folder: Path) -> None:
    shutil.rmtree(folder / "unet")


def pickled(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))


def cut(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def cut_in_the_header(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])


def a_page_in_place_of_weights(folder: Path) -> None:
    page = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(page)


def a_header_of_another_kind(folder: Path) -> None:
    text = b"[1, 2, 3]"
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(struct.pack("<Q", len(text)) + text)


def without_a_shard(folder: Path) -> None:
    unet = folder / "unet"
    weights = unet / "diffusion_pytorch_model.safetensors"
    weights.rename(unet / "diffusion_pytorch_model-00001-of-00002.safetensors")
    name = "diffusion_pytorch_model.safetensors.index.json"
    parts = [f"diffusion_pytorch_model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    (unet / name).write_text(f'{{"weight_map": {{"a": "{parts[0]}", "b": "{parts[1]}"}}}}')


def without_an_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def of_another_kind(folder: Path) -> None:
    (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')


def broken_index(folder: Path) -> None:
    (folder / "model_index.json").write_text('{"_class_name": ')


def without_a_tokenizer(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")


def without_a_scheduler(folder: Path) -> None:
    shutil.rmtree(folder / "scheduler")


def of_flows(folder: Path) -> None:
    scheduler = folder / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace('"epsilon"', '"flow_prediction"'))


DAMAGES = {
    without_unet: "unet lacks its config.json",
    pickled: "pickled weights only.* can run anything",
    cut: "came only in part.*`hf download",
    cut_in_the_header: "no safetensors file",
    a_page_in_place_of_weights: "no safetensors file",
    a_header_of_another_kind: "no safetensors file",
    without_a_shard: "lacks 1 of its 2 parts",
    without_an_index: "no pipeline: it has no model_index.json",
    of_another_kind: "FluxPipeline, which cannot be a prior.* Stable Diffusion XL",
    broken_index: "model_index.json cannot be read",
    without_a_tokenizer: "holds no tokenizer",
    without_a_scheduler: "lacks its scheduler_config.json",
    of_flows: "flow_prediction",
}


@pytest.mark.parametrize("damage", list(DAMAGES), ids=lambda each: each.__name__)
def test_a_damaged_folder_is_one_sentence(
    damage: Any, pipelines: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(pipelines["stable-diffusion"], tmp_path / "model")
    damage(folder)
    with pytest.raises(InvalidPrompt, match=DAMAGES[damage]) as caught:
        catalogue.manifest_of(str(folder))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("/nowhere/at/all", "There is no folder"),
        ("no such thing", "There is no folder"),
        ("embeded", "There is no folder"),
        ("someone/nothing", "someone/nothing is not on this machine.*`hf download someone/nothing"),
        ("../someone", "There is no folder"),
        (__file__, "is one file"),
    ],
)
def test_a_name_that_is_no_model_is_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(InvalidPrompt, match=sentence) as caught:
        catalogue.manifest_of(name)
    assert caught.value.hint


def test_weights_that_do_not_fit_their_config_are_refused(
    pipelines: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(pipelines["mvdream"], tmp_path / "model")
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text().replace('"camera_dim": 16', '"camera_dim": 12'))
    with pytest.raises(InvalidPrompt, match="other weights than its config says"):
        catalogue.open_prior(str(folder), torch.device("cpu")).abar(torch.zeros(1))
