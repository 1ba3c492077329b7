# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepSDF (Park et al. 2019, arXiv:1901.05103): one network, a code for each shape.

The network is an auto-decoder: nothing encodes a shape, its code is found by descent, in training
together with the network (`lesson`), later alone (`fitting`). It must not know methods or runs.
"""
