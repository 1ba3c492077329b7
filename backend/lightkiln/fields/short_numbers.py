# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of 16 bits (bfloat16) for the layers of networks, where they are reckoned faster.

Weights, sums and all that stands outside keep 32 bits. Processors without such instructions would
be slower with them. It must not know networks.
"""

from __future__ import annotations

import torch


def short_numbers(device: torch.device) -> torch.autocast:
    """Within it layers reckon with 16 bits: on CUDA, and on processors that have AVX512-BF16."""
    capable = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=capable)
