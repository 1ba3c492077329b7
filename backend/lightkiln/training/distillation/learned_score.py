# SPDX-License-Identifier: GPL-3.0-or-later
"""The score of the renderings of one thing, learned beside a frozen prior.

    v_own(z, t, viewpoint) = v_prior(z, t; prompt) + network(z, t, viewpoint)
    loss                   = |v_own - (a noise - s x)|²

It begins as the prior and learns the difference, as a low-rank adapter would (Wang et al. 2023,
section 3.3), but asks nothing of the prior except its answers. It must not know what it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from .score_network import ScoreNetwork

RATE = 1e-3
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class LearnedScore:
    """The network, and what teaches it."""

    def __init__(self, channels: int, seed: int, device: torch.device) -> None:
        self._network = ScoreNetwork(channels, seed).to(device)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=RATE)

    def learned(
        self,
        z: Float[Tensor, "b d i j"],
        told: Float[Tensor, "b circumstances"],
        prior: Float[Tensor, "b d i j"],
        true: Float[Tensor, "b d i j"],
    ) -> tuple[Float[Tensor, "b d i j"], float]:
        """v_own as it was until now, and its mean squared error; then a step towards `true`."""
        with torch.enable_grad():
            own = prior + self._network(z.float(), told.float()).to(prior)
            loss = F.mse_loss(own, true)
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return own.detach(), float(loss.detach())

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights and moments."""
        saved = {f"score.{name}": value for name, value in self._network.state_dict().items()}
        for index, values in self._optimiser.state_dict()["state"].items():
            saved |= {f"{name}.{index}": values[name] for name in MOMENTS}
        return {name: value.detach().cpu().numpy().copy() for name, value in saved.items()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on with them."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        names = self._network.state_dict()
        self._network.load_state_dict({name: tensors[f"score.{name}"] for name in names})
        optimiser = self._optimiser.state_dict()
        optimiser["state"] = {
            index: {name: tensors[f"{name}.{index}"] for name in MOMENTS}
            for index in range(len(optimiser["param_groups"][0]["params"]))
        }
        self._optimiser.load_state_dict(optimiser)
