# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: a mask for each photograph by a network, through ONNX Runtime.

The network takes colours (1, 3, h, w), c' = (c - mean) / deviation with c in [0, 1], and gives a
saliency s (1, 1, h, w) first; as its authors have it (Qin et al., "U²-Net: going deeper with nested
U-structure", 2020), the object is where (s - min s) / (max s - min s) > 1/2. Values beyond [0, 1]
are logits and go through the logistic function before.
It must not know where the object is in the world.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Bool, Float32, UInt8
from lightkiln_shared.errors import InvalidParams
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native
from PIL import Image
from scipy.special import expit

from lightkiln.api import Inputs, Run

from . import HALF, IMAGENET, Params

SIDE = 320
"""Pixels of U²-Net's input, for a network that takes any."""
MEAN_AND_DEVIATION = {
    IMAGENET: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    HALF: ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
}
REFUSALS = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NotImplemented,
    native.RuntimeException,
)
"""What the runtime says of a file that it cannot use: they have no base of their own."""
OTHERS = "Use one that was made for removing backgrounds, such as u2net.onnx."

Mask = Bool[NDArray[Any], "h w"]


def segment(inputs: Inputs, params: Params, run: Run) -> tuple[Mask, ...]:
    """A mask for each view; raises `InvalidParams` if the file is not such a network."""
    with run.phase("masks", share=1.0):
        network = Network(params, run.device)
        images = [view.image for view in inputs.views]
        masks = [network.mask(images[index]) for index in run.steps(len(images))]
        rest = [network.mask(image) for image in images[len(masks) :]]  # "finish now": all the same
    return (*masks, *rest)


class Network:
    """A network that was loaded."""

    def __init__(self, params: Params, device: str) -> None:
        self._name = Path(params.model).name
        self._session = _loaded(Path(params.model).expanduser(), device)
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or shape[1] not in (3, "C", None):
            raise self._another()
        self._input = inputs[0].name
        height, width = (side if isinstance(side, int) else SIDE for side in shape[2:])
        self._size = width, height
        self._mean, self._deviation = np.array(MEAN_AND_DEVIATION[params.colors], dtype=np.float32)

    def mask(self, image: UInt8[NDArray[Any], "h w 3"]) -> Mask:
        """What the network takes for the object."""
        small = Image.fromarray(image).resize(self._size, Image.Resampling.BILINEAR)
        colors = (np.asarray(small, dtype=np.float32) / 255.0 - self._mean) / self._deviation
        answer = self._session.run(None, {self._input: colors.transpose(2, 0, 1)[None]})[0]
        if np.ndim(answer) != 4 or np.shape(answer)[:2] != (1, 1):
            raise self._another()
        whole = Image.fromarray(normalized(answer[0, 0])).resize(
            (image.shape[1], image.shape[0]), Image.Resampling.BILINEAR
        )
        return np.asarray(whole) > 0.5

    def _another(self) -> InvalidParams:
        return InvalidParams(
            f"{self._name} is not a network that finds an object in a picture.", hint=OTHERS
        )


def normalized(saliency: NDArray[Any]) -> Float32[NDArray[Any], "h w"]:
    """The file's formula; zero where all is the same."""
    s = np.asarray(saliency, dtype=np.float32)
    s = expit(s) if s.min() < 0.0 or s.max() > 1.0 else s
    span = s.max() - s.min()
    return np.asarray((s - s.min()) / span if span > 0.0 else np.zeros_like(s))


def _loaded(path: Path, device: str) -> Any:
    if not path.is_file():
        named = f"There is no file {path}." if path.name else "No network is chosen."
        raise InvalidParams(named, hint="Set `model` to the path of an ONNX file.")
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    there = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(path, providers=[*there, "CPUExecutionProvider"])
    except REFUSALS as error:
        reason = str(error).rpartition(":")[2].strip().rstrip(".")
        raise InvalidParams(f"{path.name} cannot be used: {reason}.", hint=OTHERS) from None
