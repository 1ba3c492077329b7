# SPDX-License-Identifier: GPL-3.0-or-later
"""All that an author of a method may import; everything else may change. No torch here."""

from lightkiln_shared.camera import Camera, project
from lightkiln_shared.errors import InvalidPrompt, InvalidScene, NothingReconstructed
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from lightkiln_shared.params import param
from lightkiln_shared.scene import Region, RegionShape, Scene, View

from .capture.inputs import Inputs, LoadedView, TextInputs
from .methods.spec import MethodSpec, Need, Product, Run, rng
from .ops.picture import RenderedImage

__all__ = [
    "Camera",
    "Inputs",
    "InvalidPrompt",
    "InvalidScene",
    "LoadedView",
    "MethodSpec",
    "Need",
    "NothingReconstructed",
    "PointCloud",
    "Product",
    "Region",
    "RegionShape",
    "RenderedImage",
    "Run",
    "Scene",
    "TextInputs",
    "TriangleMesh",
    "View",
    "param",
    "project",
    "rng",
]
