# SPDX-License-Identifier: GPL-3.0-or-later
"""A code, found by descent, for what is known of an unseen shape.

    z = argmin  mean |clamp(f(z, x), d) - clamp(s, d)| + r |z|²      (Park et al. 2019, eq. 10)

Where a cloud does not say which side is inside, only |s| is known, and |f| is compared with it
(sign agnostic: Atzmon and Lipman 2020, arXiv:1911.10414, eq. 4): no guess at normals can then be
wrong, and which side is inside follows from the codes, of which none is hollow from without.

The box of a cloud is not quite that of its shape, so the shape may move a little too:

    f(z, x) -> f(z, e^k R(a) (x - t)) / e^k      R turns about Z

All unknowns are written as if drawn from N(0, 1): u = (w, p), z = m + L w and (t, k, a) = p / 20.
It must not know files, runs or how places were chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .network import AutoDecoder

CLAMP = 0.1
"""d, in the cube's units."""
PRIOR = 2e-4
"""r: of |u|² / n, n unknowns, beside an error that is about 0.004 for a shape that is met."""
MOVES = 5
SLACK = 0.05
"""What p = 1 is: units of the cube for t, 5 per cent of size, three degrees."""
RATE = 0.1
"""Of Adam, in parts of the prior's standard deviation; a tenth of it at the end."""


class Seen(NamedTuple):
    """What is known of b shapes, or of one for all codes alike."""

    places: Float[Tensor, "b n 3"]
    distances: Float[Tensor, "b n"]
    """Negative inside."""
    is_signed: Bool[Tensor, "b n"] | None = None
    """Where the sign is known too; None: everywhere."""


class Fit(NamedTuple):
    """Shapes that were found, b of them."""

    codes: Float[Tensor, "b code"]
    moves: Float[Tensor, "b 5"]
    """t, k and a."""
    errors: Float[Tensor, " b"]
    """The mean clamped error of each, the smaller the better."""

    def best(self, count: int) -> Fit:
        """The `count` with the smallest errors, the best first."""
        order = self.errors.argsort()[:count]
        return Fit(self.codes[order], self.moves[order], self.errors[order])


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How codes are sought."""

    steps: int
    rate: float = RATE
    prior: float = PRIOR
    moving: bool = True
    """Whether the shape may move too."""


def clamped(distance: Tensor) -> Tensor:
    """Of eq. 4: without slope beyond d."""
    return distance.clamp(-CLAMP, CLAMP)


def distances(
    network: AutoDecoder, codes: Tensor, moves: Tensor, x: Float[Tensor, "#b n 3"]
) -> Float[Tensor, "b n"]:
    """f of moved shapes."""
    scale = moves[:, None, 3].exp()
    cos, sin = moves[:, None, 4].cos(), moves[:, None, 4].sin()
    east, north, up = (x - moves[:, None, :3]).unbind(-1)
    turned = torch.stack([cos * east - sin * north, sin * east + cos * north, up], dim=-1)
    found: Tensor = network(codes, scale[..., None] * turned) / scale
    return found


def errors(found: Float[Tensor, "b n"], seen: Seen) -> Float[Tensor, " b"]:
    """Mean clamped errors; without regard to the sign where it is not known."""
    error = clamped(found) - clamped(seen.distances)
    if seen.is_signed is not None:
        without = clamped(found.abs()) - clamped(seen.distances.abs())
        error = torch.where(seen.is_signed, error, without)
    return error.abs().mean(dim=-1)


def starts(network: AutoDecoder, seen: Seen, count: int) -> Fit:
    """The `count` best of all codes taught and of the families' means, for one shape."""
    codes = torch.cat([network.family_means(), network.codes.weight.detach()])
    with torch.no_grad():
        each = [errors(network(part, seen.places), seen) for part in torch.split(codes, 64)]
    return Fit(codes, torch.zeros(len(codes), MOVES).to(codes), torch.cat(each)).best(count)


def nearest_means(network: AutoDecoder, seen: Seen) -> Fit:
    """The best family's mean for each of b shapes."""
    means = network.family_means()
    with torch.no_grad():
        each = [errors(network(mean[None], seen.places), seen) for mean in means]
    least, which = torch.stack(each).min(dim=0)
    return Fit(means[which], torch.zeros(len(which), MOVES).to(means), least)


def fitted(
    network: AutoDecoder,
    start: Fit,
    draw: Callable[[int], Seen],
    steps: Iterable[int],
    search: Search,
) -> Fit:
    """Descend from each start by itself; `draw` gives what a step looks at.

    `steps` may end early: what was found till then is given.
    """
    mean, root = network.prior()
    size = len(mean)
    w = torch.linalg.solve_triangular(root, (start.codes - mean).T, upper=False).T
    u = torch.cat([w, start.moves / SLACK], dim=-1).requires_grad_(True)
    may_move = SLACK if search.moving else 0.0
    recent, optimiser = start.errors, torch.optim.Adam([u], lr=search.rate, betas=(0.9, 0.99))
    for step in steps:
        optimiser.param_groups[0]["lr"] = search.rate * 0.1 ** (step / search.steps)
        seen = draw(step)
        found = distances(network, mean + u[:, :size] @ root.T, may_move * u[:, size:], seen.places)
        error = errors(found, seen)
        optimiser.zero_grad()
        # A sum: to Adam each row is then a descent of its own.
        (error + search.prior * u.square().mean(dim=-1)).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        recent = error.detach() if step == 0 else 0.8 * recent + 0.2 * error.detach()
    done = u.detach()
    return Fit(mean + done[:, :size] @ root.T, may_move * done[:, size:], recent)
