# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation by a network that finds the salient object of a picture: any of the kind of U²-Net,
IS-Net and BiRefNet, from a file that the person has. Nothing is downloaded.

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Product, param

IMAGENET, HALF = "imagenet", "half"


@dataclass(frozen=True, kw_only=True)
class Params:
    model: str = param("", "The network's ONNX file, on the backend's machine.", unit="path")
    colors: str = param(
        IMAGENET,
        "What the network was trained with: colours less their mean over ImageNet (U²-Net, "
        "BiRefNet), or less a half (IS-Net).",
        choices=(IMAGENET, HALF),
    )


SPEC = MethodSpec(
    name="segment-network",
    title="Segment by a Network",
    summary="Finds masks with a network that you bring as an ONNX file. Seconds a photograph.",
    params=Params,
    entry="lightkiln.methods.segment_network.infer:segment",
    produces=Product.MASKS,
    libraries=("onnxruntime",),
    memory_mb=2000,
)
