# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pipelines of every family, so small that they are made in a moment, with random weights.

Their classes, files and folders are those of the large ones; MVDream's is laid out as the port that
people use lays it out, with the original's names of weights.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import diffusers
import sentencepiece
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    IFPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WIDTH = 32
NOISY = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "steps_offset": 1,
}
BLOCKS = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (2, 4),
}
MULTIVIEW = {
    "image_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "attention_resolutions": [2, 1],
    "num_res_blocks": 1,
    "channel_mult": [1, 2],
    "num_head_channels": 16,
    "transformer_depth": 1,
    "context_dim": WIDTH,
    "camera_dim": 16,
}


def write(kind: str, folder: Path) -> Path:
    """One of `KINDS`."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    KINDS[kind](folder)
    return folder


def _stable(folder: Path, predicts: str = "epsilon") -> None:
    _pipeline(predicts).save_pretrained(folder)


def _pipeline(predicts: str) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_clip()).eval(),
        tokenizer=_tokenizer(),
        unet=UNet2DConditionModel(sample_size=8, cross_attention_dim=WIDTH, **BLOCKS),
        scheduler=DDIMScheduler(prediction_type=predicts, **NOISY),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _xl(folder: Path) -> None:
    unet = UNet2DConditionModel(
        sample_size=8,
        cross_attention_dim=2 * WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        use_linear_projection=True,
        **BLOCKS,
    )
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_clip()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(_clip()).eval(),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        unet=unet,
        scheduler=DDIMScheduler(**NOISY),
        add_watermarker=False,
    ).save_pretrained(folder)


def _deepfloyd(folder: Path) -> None:
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=3,
        out_channels=6,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=WIDTH,
        encoder_hid_dim=WIDTH,
        attention_head_dim=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        cross_attention_norm="group_norm",
        resnet_time_scale_shift="scale_shift",
        act_fn="gelu",
    )
    config = T5Config(
        vocab_size=164, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=1, num_heads=2
    )  # fmt: skip
    IFPipeline(
        tokenizer=T5Tokenizer(),
        text_encoder=T5EncoderModel(config).eval(),
        unet=unet,
        scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2", variance_type="learned_range"),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    _pieces(folder / "tokenizer")


def _pieces(folder: Path) -> None:
    """The tokenizer as that family has it: a sentencepiece model and nothing else."""
    for path in folder.glob("tokenizer.json"):
        path.unlink()
    words = ["a red torus on a blue cube", "front view", "side view", string.ascii_lowercase]
    with (folder / "spiece.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(words),
            model_writer=file,
            vocab_size=64,
            hard_vocab_limit=False,
            minloglevel=2,
            bos_id=-1, pad_id=0, eos_id=1, unk_id=2,
        )  # fmt: skip


def _mvdream(folder: Path) -> None:
    _pipeline("epsilon").save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"_class_name": "MVDreamPipeline", "unet": ["mv_unet", "MultiViewUNetModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet" / "config.json").write_text(
        json.dumps({"_class_name": "MultiViewUNetModel", **MULTIVIEW})
    )
    save_file(originals(), folder / "unet" / "diffusion_pytorch_model.safetensors")


def originals() -> dict[str, torch.Tensor]:
    """Random weights of `MULTIVIEW` under the original's names, as its paper's code builds them."""
    found: dict[str, torch.Tensor] = {}

    def add(name: str, *shape: int, bias: bool = True) -> None:
        found[f"{name}.weight"] = 0.1 * torch.randn(shape) if len(shape) > 1 else torch.ones(shape)
        if bias:
            found[f"{name}.bias"] = torch.zeros(shape[0])

    _layers(add)
    return found


def _layers(add: Any) -> None:
    for name, inputs in (("time_embed", 32), ("camera_embed", 16)):
        add(f"{name}.0", 128, inputs)
        add(f"{name}.2", 128, 128)
    add("input_blocks.0.0", 32, 4, 3, 3)
    _residual(add, "input_blocks.1.0", 32, 32)
    _attention(add, "input_blocks.1.1", 32)
    add("input_blocks.2.0.op", 32, 32, 3, 3)
    _residual(add, "input_blocks.3.0", 32, 64)
    _attention(add, "input_blocks.3.1", 64)
    _residual(add, "middle_block.0", 64, 64)
    _attention(add, "middle_block.1", 64)
    _residual(add, "middle_block.2", 64, 64)
    for index, (inputs, width) in enumerate([(128, 64), (96, 64), (96, 32), (64, 32)]):
        _residual(add, f"output_blocks.{index}.0", inputs, width)
        _attention(add, f"output_blocks.{index}.1", width)
    add("output_blocks.1.2.conv", 64, 64, 3, 3)
    add("out.0", 32)
    add("out.2", 4, 32, 3, 3)


def _residual(add: Any, name: str, inputs: int, width: int) -> None:
    add(f"{name}.in_layers.0", inputs)
    add(f"{name}.in_layers.2", width, inputs, 3, 3)
    add(f"{name}.emb_layers.1", width, 128)
    add(f"{name}.out_layers.0", width)
    add(f"{name}.out_layers.3", width, width, 3, 3)
    if inputs != width:
        add(f"{name}.skip_connection", width, inputs, 1, 1)


def _attention(add: Any, name: str, width: int) -> None:
    add(f"{name}.norm", width)
    add(f"{name}.proj_in", width, width)
    add(f"{name}.proj_out", width, width)
    block = f"{name}.transformer_blocks.0"
    for attention, context in (("attn1", width), ("attn2", WIDTH)):
        add(f"{block}.{attention}.to_q", width, width, bias=False)
        add(f"{block}.{attention}.to_k", width, context, bias=False)
        add(f"{block}.{attention}.to_v", width, context, bias=False)
        add(f"{block}.{attention}.to_out.0", width, width)
    add(f"{block}.ff.net.0.proj", 8 * width, width)
    add(f"{block}.ff.net.2", width, 4 * width)
    for norm in ("norm1", "norm2", "norm3"):
        add(f"{block}.{norm}", width)


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
    )


def _clip() -> CLIPTextConfig:
    return CLIPTextConfig(
        hidden_size=WIDTH,
        projection_dim=WIDTH,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=128,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _tokenizer() -> CLIPTokenizer:
    """Letter by letter."""
    letters = string.ascii_lowercase + string.digits + ",.-"
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{each}</w>" for each in letters)]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)


KINDS = {
    "stable-diffusion": _stable,
    "stable-diffusion-v": lambda folder: _stable(folder, "v_prediction"),
    "stable-diffusion-xl": _xl,
    "deepfloyd-if": _deepfloyd,
    "mvdream": _mvdream,
}
