# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a preview on their way to the GPU: in bands, a few milliseconds at a draw.

Blender takes textures as floats, converted and copied while everybody waits: 10 ms for 1280 x 720
pixels without a graphics card, and now and then 20. A picture is shown once all its bands are
there; until then the one before it stays. A newer picture waits for its turn, or a steady stream
would never show one. To be used while Blender draws, for only then is there a GPU.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from .previews import Picture

BUDGET = 0.004
"""Seconds of one draw; a band that is begun is finished."""
BAND_TEXELS = 256 * 1024
"""A picture of the default size is one band."""
FORMAT = "RGBA32F"  # as the floats come: the driver need not convert them


@dataclass
class Bands:
    """A picture of which some rows are textures already."""

    picture: Picture
    textures: list[gpu.types.GPUTexture] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Rows of a band; the last may have fewer."""
        return max(1, BAND_TEXELS // self.picture.texels.shape[1])

    @property
    def is_whole(self) -> bool:
        """True if every row is a texture."""
        return len(self.textures) * self.height >= len(self.picture.texels)

    def add(self) -> None:
        """Make one more band's texture."""
        top = len(self.textures) * self.height
        rows = self.picture.texels[top : top + self.height]
        texels = gpu.types.Buffer("FLOAT", rows.size, rows.reshape(-1))
        size = rows.shape[1], rows.shape[0]
        self.textures.append(gpu.types.GPUTexture(size, format=FORMAT, data=texels))

    def draw(self, region: bpy.types.Region, opacity: float, left: float = 0.0) -> None:
        """Draw the picture over a region, top row first; only from `left`, in [0, 1], on."""
        shader = gpu.shader.from_builtin("IMAGE_COLOR")
        gpu.state.blend_set("ALPHA")
        top = 0
        for texture in self.textures:
            bottom = top + texture.height
            ends = (1.0 - row / len(self.picture.texels) for row in (top, bottom))
            shader.uniform_sampler("image", texture)
            shader.uniform_float("color", (1.0, 1.0, 1.0, opacity))
            high, low = (end * region.height for end in ends)
            _rectangle(shader, region.width, left, high, low).draw(shader)
            top = bottom
        gpu.state.blend_set("NONE")


def _rectangle(
    shader: gpu.types.GPUShader, width: float, left: float, high: float, low: float
) -> gpu.types.GPUBatch:
    places = {
        "pos": [(left * width, low), (width, low), (width, high), (left * width, high)],
        "texCoord": [(left, 1), (1, 1), (1, 0), (left, 0)],
    }
    return batch_for_shader(shader, "TRIS", places, indices=[(0, 1, 2), (0, 2, 3)])


class Upload:
    """The picture that is shown and the one that is on its way."""

    def __init__(self) -> None:
        self._shown: Bands | None = None
        self._coming: Bands | None = None

    @property
    def is_unfinished(self) -> bool:
        """True if another draw would bring it further."""
        return self._coming is not None

    def go_on(self, newest: Picture) -> None:
        """Do a draw's share of the work towards the newest picture."""
        if self._coming is None:
            if self._shown is not None and self._shown.picture is newest:
                return
            self._coming = Bands(newest)
        end = time.perf_counter() + BUDGET
        while not self._coming.is_whole and time.perf_counter() < end:
            self._coming.add()
        if self._coming.is_whole:
            self._shown, self._coming = self._coming, None

    @property
    def shown(self) -> Bands | None:
        """The newest picture that is whole."""
        return self._shown
