# SPDX-License-Identifier: GPL-3.0-or-later
"""VAE: a new thing of a family for every seed (Kingma and Welling 2014; Brock et al. 2016).

It must not import anything heavy: this file is read to list the method.
"""

from lightkiln.api import MethodSpec
from lightkiln.methods.invention import Params

SPEC = MethodSpec(
    name="vae3d",
    title="VAE",
    summary="Invents a thing for every seed: chairs, sofas, tables, lamps, mugs, bottles, planes, "
    "cars and boats as simple as those of the procedural world it was taught. Seconds.",
    params=Params,
    entry="lightkiln.methods.vae3d.infer:generate",
    needs=(),
    memory_mb=800,
)
