# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy network: one photograph to a closed shape, from a learned code (arXiv:1812.03828).

It must not import anything heavy: this file is read to list the method.
"""

from lightkiln.api import MethodSpec, Need
from lightkiln.methods.one_picture import PRESETS, Params

SPEC = MethodSpec(
    name="occupancy-network",
    title="Occupancy Network",
    summary=(
        "Guesses a whole shape from one photograph. It knows chairs, sofas, tables, lamps, mugs, "
        "bottles, planes, cars and boats of simple bodies, and nothing else. Seconds."
    ),
    params=Params,
    entry="lightkiln.methods.occupancy_network.infer:reconstruct",
    needs=(Need.ONE_IMAGE,),
    memory_mb=1500,
    presets=PRESETS,
)
