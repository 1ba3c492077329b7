# SPDX-License-Identifier: GPL-3.0-or-later
"""DreamFusion: a prompt to a mesh, by asking a prior about renderings (arXiv:2209.14988).

It must not import anything heavy: this file is read to list the method.
"""

from dataclasses import dataclass

from lightkiln.api import MethodSpec, Need, param

SURFACE, NERF = "surface", "nerf-then-surface"


@dataclass(frozen=True, kw_only=True)
class Params:
    prior: str = param("embedded", "What knows how prompts look: embedded, a folder, a model id.")
    guidance: float = param(
        0.0, "How strictly the prompt is followed; 0: as suits the prior.", min=0.0, max=1000.0
    )
    steps: int = param(1200, "Steps of learning.", min=1, max=1_000_000)
    time_budget: float = param(
        600.0, "Learning is cut to end within this.", min=1.0, max=10_000_000.0, unit="s"
    )
    resolution: int = param(96, "Steps of the lattice along its sides.", min=16, max=384)
    faces: int = param(100_000, "Triangles of the mesh, at most.", min=100, max=5_000_000)
    batch: int = param(4, "Pictures that a step looks at.", min=1, max=64)
    size: int = param(64, "Their pixels along a side.", min=8, max=1024, unit="px")
    candidates: float = param(
        0.3,
        "How much four pictures of the prompt, drawn first, decide; 0: none are drawn.",
        min=0.0,
        max=10.0,
    )
    image_weight: float = param(
        1.0, "How much an image beside the prompt decides.", min=0.0, max=10.0
    )
    field: str = param(
        SURFACE,
        "What learns: a surface, or a density first as in the paper, which takes far longer.",
        choices=(SURFACE, NERF),
        advanced=True,
    )
    distillation: str = param(
        "reconstruction",
        "How the prior is asked: the paper's sds, or one of what came after it.",
        choices=("sds", "reconstruction", "vsd", "ism"),
        advanced=True,
    )
    timing: str = param(
        "annealed",
        "How noise levels are drawn as the run goes on.",
        choices=("uniform", "annealed", "square-root"),
        advanced=True,
    )
    rescale: float = param(
        0.5, "How much contrast guided pictures get back.", min=0.0, max=1.0, advanced=True
    )
    perp_neg: bool = param(
        False, "Second faces are led away from, where sides are told by words.", advanced=True
    )
    colors_until: float = param(
        0.0, "Part of the steps before which nothing is lit.", min=0.0, max=1.0, advanced=True
    )
    eikonal: float = param(
        0.003, "Weight of distances being distances.", min=0.0, max=10.0, advanced=True
    )
    smooth: float = param(0.001, "Weight of smoothness.", min=0.0, max=10.0, advanced=True)
    sparse: float = param(0.0, "Weight of emptiness.", min=0.0, max=10.0, advanced=True)
    decided: float = param(
        0.0, "Weight of pixels being empty or full.", min=0.0, max=10.0, advanced=True
    )
    orientation: float = param(
        0.01, "Weight of densities that face away.", min=0.0, max=10.0, advanced=True
    )


SPEC = MethodSpec(
    name="dreamfusion",
    title="DreamFusion",
    summary="Makes a mesh of a prompt, by asking a prior how renderings of it should look.",
    params=Params,
    entry="lightkiln.methods.dreamfusion.train:generate",
    needs=(Need.TEXT,),
    memory_mb=2500,
    halvings=(("batch",), ("batch",), ("size",)),
    presets={
        "draft": {"steps": 400, "time_budget": 300.0, "resolution": 64, "faces": 30_000},
        "high": {
            "steps": 10_000,
            "time_budget": 7200.0,
            "resolution": 160,
            "faces": 300_000,
            "batch": 8,
            "size": 128,
        },
    },
)
