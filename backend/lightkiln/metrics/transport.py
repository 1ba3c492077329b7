# SPDX-License-Identifier: GPL-3.0-or-later
"""The earth mover's distance between two clouds of as many points (Rubner et al. 2000).

    EMD(A, B) = min over one-to-one phi of the mean of |a - phi(a)|

Other than Chamfer it tells when points are heaped: every point of the other cloud is used once.
Solved exactly, which takes a second for 1,024 points. It must not know where points come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

POINTS = 1024


def earth_movers(a: Float[NDArray[Any], "n 3"], b: Float[NDArray[Any], "n 3"]) -> float:
    """The mean way of a point, in the points' own unit."""
    cost = cdist(a, b)
    rows, columns = linear_sum_assignment(cost)
    return float(np.asarray(cost)[rows, columns].mean())
