# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in prior's network: a small U-Net on patches, told a sentence and a viewpoint.

    tokens = encoder(first thing, second thing, relation), camera, style      a transformer's
    seen   = feature fields(tokens of the things, camera)      what stands where
    sketch = layers(seen, camera, style)      the picture, as far as words alone tell it
    x      = U-Net(patches of the noisy picture and the sketch, seen, t, tokens)      the clean one

Pictures are cut into patches of `PATCH`² pixels (space to depth), and each has its own part of what
is seen beside it. Tokens enter twice more: their mean, beside t, scales and shifts every block
(FiLM, Perez et al. 2018), and on the two coarser levels patches attend to them. It must not know
words or schedules.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, silu

from .feature_fields import FEATURES, OCTAVES, PATCH, FeatureFields, waves

WIDTHS = (64, 128, 192)
TOLD = 192
"""Numbers of a token."""
VIEWED = 2
"""Tokens after those of the scene: the camera and the style."""
SKETCHED = 96
GROUPS = 16
HEAD = 32
_LAST = torch.channels_last


class Meant(NamedTuple):
    """What a sentence, a viewpoint and a style are to the network."""

    tokens: Float[Tensor, "b tokens told"]
    seen: Float[Tensor, "b features side side"]
    sketch: Float[Tensor, "b c h w"]
    """The picture that these alone lead to, without any noisy one."""


class Sketch(nn.Module):
    """What is seen, in a style, as patches: a layer for each place by itself."""

    def __init__(self, outs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(FEATURES + 1, SKETCHED, 1)
        self.told = nn.Linear(TOLD, 2 * SKETCHED)
        self.second = nn.Conv2d(SKETCHED, SKETCHED, 1)
        self.last = nn.Conv2d(SKETCHED, outs, 1)

    def forward(self, seen: Tensor, view: Tensor) -> Float[Tensor, "b outs side side"]:
        """`view`: (b, told), the camera and the style."""
        scale, shift = self.told(silu(view))[..., None, None].chunk(2, dim=1)
        h = silu(self.first(seen) * (1.0 + scale) + shift)
        patches: Tensor = seen[:, -1:] * (1.0 + self.last(silu(self.second(h)))) - 1.0
        return patches  # nothing is -1


class Encoder(nn.Module):
    """Slots to tokens, things first; slot 0 of each kind is "nothing said"."""

    def __init__(self, counts: tuple[int, ...], num_things: int, styles: int) -> None:
        """`counts`: how many shapes, colours, materials, sizes and, last, relations there are."""
        super().__init__()
        *of_things, relations = counts
        self.slots = nn.ModuleList([nn.Embedding(count + 1, TOLD) for count in of_things])
        self.relation = nn.Embedding(relations + 1, TOLD)
        self.style = nn.Embedding(styles, TOLD)
        self.place = nn.Parameter(torch.randn(num_things + 1, TOLD))
        self.camera = nn.Sequential(
            nn.Linear(3 * (1 + 2 * OCTAVES), TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD)
        )
        layer = nn.TransformerEncoderLayer(
            TOLD, 6, 2 * TOLD, dropout=0.0, batch_first=True, norm_first=True
        )
        self.mixed = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(
        self,
        things: Int[Tensor, "b things slots"],
        relation: Int[Tensor, " b"],
        camera: Float[Tensor, "b 3"],
        style: Int[Tensor, " b"],
    ) -> Float[Tensor, "b tokens told"]:
        """`camera`: the unit vector to the camera. Things do not change with it, nor with style."""
        told = sum(slot(things[..., i]) for i, slot in enumerate(self.slots))
        assert isinstance(told, Tensor)
        scene = torch.cat([told, self.relation(relation)[:, None]], dim=1) + self.place
        view = torch.stack([self.camera(waves(camera)), self.style(style)], dim=1)
        tokens: Tensor = torch.cat([self.mixed(scene), view], dim=1)
        return tokens


class Block(nn.Module):
    """Two convolutions, scaled and shifted by what is told, around a shortcut."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, ins), nn.Conv2d(ins, outs, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outs), nn.Conv2d(outs, outs, 3, padding=1)
        self.told = nn.Linear(TOLD, 2 * outs)
        self.short = nn.Conv2d(ins, outs, 1) if ins != outs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        h = self.conv1(silu(self.norm1(x)))
        scale, shift = self.told(told)[..., None, None].chunk(2, dim=1)
        h = self.conv2(silu(self.norm2(h) * (1.0 + scale) + shift))
        shown: Tensor = self.short(x) + h
        return shown


class Attention(nn.Module):
    """Places look at each other and at the tokens (Vaswani et al. 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.own = nn.Linear(width, 3 * width)
        self.told = nn.Linear(TOLD, 2 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.own(self.norm(x).flatten(2).transpose(1, 2)).chunk(3, dim=-1)
        more_k, more_v = self.told(tokens).chunk(2, dim=-1)
        keys, values = torch.cat([k, more_k], dim=1), torch.cat([v, more_v], dim=1)
        # Written out: for so few places this is faster on processors than the fused one.
        like = (_heads(q) * HEAD**-0.5) @ _heads(keys).transpose(-1, -2)
        seen = like.softmax(dim=-1) @ _heads(values)
        mixed = self.out(seen.transpose(1, 2).reshape(b, h * w, c))
        shown: Tensor = x + mixed.transpose(1, 2).reshape(b, c, h, w)
        return shown


class Level(nn.Module):
    """A block, and attention where the level is coarse."""

    def __init__(self, ins: int, outs: int, attends: bool) -> None:
        super().__init__()
        self.block = Block(ins, outs)
        self.attention = Attention(outs) if attends else None

    def forward(self, x: Tensor, told: Tensor, tokens: Tensor) -> Tensor:
        x = self.block(x, told)
        return x if self.attention is None else self.attention(x, tokens)


class Network(nn.Module):
    """The clean picture in a noisy one."""

    def __init__(
        self, counts: tuple[int, ...], num_things: int, styles: int, channels: int
    ) -> None:
        super().__init__()
        self.num_things = num_things
        self.encoder = Encoder(counts, num_things, styles)
        self.fields = FeatureFields(TOLD)
        self.time = nn.Sequential(nn.Linear(2 * 16, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        self.mean = nn.Sequential(nn.Linear(TOLD, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        a, b, c = WIDTHS
        self.sketch = Sketch(channels * PATCH**2)
        self.begin = nn.Conv2d(2 * channels * PATCH**2 + FEATURES + 1, a, 3, padding=1)
        self.down = nn.ModuleList([Level(a, a, False), Level(a, b, True), Level(b, c, True)])
        self.middle = Level(c, c, True)
        self.up = nn.ModuleList([Level(c, c, True), Level(c, b, True), Level(b, a, False)])
        self.norm = nn.GroupNorm(GROUPS, a)
        self.end = nn.Conv2d(a, channels * PATCH**2, 3, padding=1)
        nn.init.zeros_(self.end.weight)
        self.pool = nn.AvgPool2d(2)
        self.to(memory_format=_LAST)  # type: ignore[call-overload]  # faster on processors

    def tell(self, things: Tensor, relation: Tensor, camera: Tensor, style: Tensor) -> Meant:
        """Slots, the unit vector to the camera and a style, as `Encoder` takes them."""
        tokens = self.encoder(things, relation, camera, style)
        seen = self.fields(tokens[:, : self.num_things], camera)
        sketch = self.sketch(seen, tokens[:, -VIEWED:].sum(dim=1))
        return Meant(tokens, seen, pixel_shuffle(sketch, PATCH))

    def forward(
        self, noisy: Float[Tensor, "b c h w"], t: Float[Tensor, " b"], meant: Meant
    ) -> Float[Tensor, "b c h w"]:
        tokens = meant.tokens
        told = silu(self.time(_instants(t)) + self.mean(tokens.mean(dim=1)))
        pictures = [pixel_unshuffle(each, PATCH) for each in (noisy, meant.sketch)]
        patches = torch.cat([*pictures, meant.seen], dim=1)
        x = self.begin(patches.contiguous(memory_format=_LAST))
        kept = []
        for index, level in enumerate(self.down):
            x = level(self.pool(x) if index else x, told, tokens)
            kept.append(x)
        x = self.middle(x, told, tokens)
        for index, level in enumerate(self.up):
            x = level(_twice(x) if index else x, told, tokens) + kept.pop()
        shown: Tensor = pixel_shuffle(self.end(silu(self.norm(x))), PATCH)
        return shown


def _instants(t: Float[Tensor, " b"]) -> Float[Tensor, "b 32"]:
    """t as sines and cosines of 16 frequencies from 1 to 1000."""
    angles = t[:, None] * torch.logspace(0.0, 3.0, 16, device=t.device)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _twice(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def _heads(x: Float[Tensor, "b n c"]) -> Float[Tensor, "b heads n head"]:
    count, places, width = x.shape
    return x.reshape(count, places, width // HEAD, HEAD).transpose(1, 2)
