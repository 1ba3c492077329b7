# SPDX-License-Identifier: GPL-3.0-or-later
"""PIFu: one photograph to a closed, coloured shape, from pixel-aligned features (arXiv:1905.05172).

It must not import anything heavy: this file is read to list the method.
"""

from lightkiln.api import MethodSpec, Need
from lightkiln.methods.one_picture import PRESETS, Params

SPEC = MethodSpec(
    name="pifu",
    title="PIFu",
    summary=(
        "Guesses a whole coloured shape that follows the outline of one photograph; its depth is "
        "still rough, and Occupancy Network is the safer choice. It knows "
        "chairs, sofas, tables, lamps, mugs, bottles, planes, cars and boats of simple bodies, "
        "and nothing else. Seconds."
    ),
    params=Params,
    entry="lightkiln.methods.pifu.infer:reconstruct",
    needs=(Need.ONE_IMAGE,),
    memory_mb=1500,
    presets=PRESETS,
)
