# SPDX-License-Identifier: GPL-3.0-or-later
"""LPIPS (Zhang et al. 2018): how different two images are to a network that has seen many.

The network is AlexNet. Its weights are not ours to give and nothing is downloaded, so it is
measured only where all three are at hand: torchmetrics, which brings the last layer, torchvision,
which brings the architecture, and AlexNet's weights in the folder where torch keeps what it has
loaded (`$TORCH_HOME/hub/checkpoints`). It must not know cameras or files of images.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

Image = Float[NDArray[Any], "H W 3"]
"""0 to 1, at least 32 pixels a side."""
LIBRARIES = ("torchmetrics", "torchvision")
WEIGHTS = "alexnet-owt-7be5be79.pth"


def hindrance() -> str:
    """Why it cannot be measured here, without a full stop; empty if it can."""
    for library in LIBRARIES:
        if find_spec(library) is None:
            return f"{library} is not installed"
    if not _weights().is_file():
        return f"AlexNet's weights are not at {_weights()}"
    try:
        _network()
    except (ImportError, OSError, RuntimeError) as error:  # of another version, or damaged
        return f"the network cannot be made ({error})"
    return ""


def lpips(image: Image, truth: Image) -> float:
    """0 for equal images; the larger, the more different. Only where nothing hinders."""
    first, second = (
        torch.from_numpy(np.ascontiguousarray(each.transpose(2, 0, 1), dtype=np.float32))[None]
        for each in (image, truth)
    )
    with torch.no_grad():
        return float(_network()(first, second))


@cache
def _network() -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    module = importlib.import_module("torchmetrics.image.lpip")
    network: Any = module.LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
    return network.eval()  # type: ignore[no-any-return]


def _weights() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
