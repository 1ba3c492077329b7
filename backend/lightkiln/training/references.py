# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are known: candidates that a person chose, or an image beside the prompt.

They count beside the prior with a weight that fades as the run goes on, so that they decide what
the thing is, and the prior what its other sides are. It must not know priors' networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lightkiln.priors.manifest import Style
from lightkiln.priors.prior import Viewpoints

FRAMED = 0.7
"""Of the picture's side, that the longer side of an image's thing fills."""
FADED = 0.05
"""What is left of the weight at the end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class References:
    """Pictures with where they were taken from."""

    pictures: Float[Tensor, "b 4 h w"]
    """RGB times alpha, and alpha; sRGB values."""
    viewpoints: Viewpoints
    style: Style
    weight: float

    def weight_at(self, u: float) -> float:
        """At progress u: geometrically down to `FADED` of it."""
        return float(self.weight * FADED**u)


def framed(image: NDArray[Any], size: int) -> Float[Tensor, "4 h w"]:
    """An image (H, W, 4), uint8 sRGB with straight alpha, as a camera would see its thing.

    What is not transparent is centred and made to fill `FRAMED` of a picture of `size` pixels.
    """
    alpha = image[..., 3:].astype(np.float32) / 255.0
    flat = np.concatenate([image[..., :3].astype(np.float32) / 255.0 * alpha, alpha], axis=-1)
    rows, columns = np.nonzero(image[..., 3] > 127)
    if len(rows) == 0:
        return torch.zeros((4, size, size))
    cut = flat[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = FRAMED * size / max(cut.shape[:2])
    height, width = (max(1, round(side * scale)) for side in cut.shape[:2])
    out = np.zeros((size, size, 4), dtype=np.float32)
    top, left = (size - height) // 2, (size - width) // 2
    for channel in range(4):
        shrunk = Image.fromarray(cut[..., channel]).resize((width, height), Image.Resampling.BOX)
        out[top : top + height, left : left + width, channel] = np.asarray(shrunk)
    return torch.from_numpy(out).permute(2, 0, 1).contiguous()
