# SPDX-License-Identifier: GPL-3.0-or-later
"""3D-GAN: a new thing of a family for every seed (Wu et al. 2016).

It must not import anything heavy: this file is read to list the method.
"""

from lightkiln.api import MethodSpec
from lightkiln.methods.invention import Params

SPEC = MethodSpec(
    name="gan3d",
    title="3D-GAN",
    summary="Invents a coarse thing for every seed: chairs, sofas, tables, lamps, mugs, bottles, "
    "planes, cars and boats as simple as those of the procedural world it was taught. Seconds.",
    params=Params,
    entry="lightkiln.methods.gan3d.infer:generate",
    needs=(),
    memory_mb=800,
)
