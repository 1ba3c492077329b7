# SPDX-License-Identifier: GPL-3.0-or-later
"""What rays meet of a solid, whichever field holds it: sections with weights, colours and normals.

Sections of all rays stand in one list, ray by ray; their weights are w_i of
`ops.packed_rendering`, so a picture of anything that sections have is a sum of w_i times it.
It must not know lamps, losses or priors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from lightkiln.ops.packed_rendering import packed_sum

from .radiance_render import Bundle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sections:
    """What rays meet."""

    ray: Int[Tensor, " m"]
    """To which ray a section belongs."""
    t: Float[Tensor, " m"]
    """Where it is on the ray."""
    weights: Float[Tensor, " m"]
    """w_i."""
    left: Float[Tensor, " rays"]
    """The light that passes everything."""
    albedo: Float[Tensor, "m 3"]
    """sRGB values."""
    slope: Float[Tensor, "m 3"] | None
    """Outwards, not unit; None: nobody asked."""

    def seen(self, values: Float[Tensor, "m c"]) -> Float[Tensor, "rays c"]:
        """The sum of w_i times what sections have."""
        return packed_sum(self.weights, values, self.ray, len(self.left))

    @property
    def normals(self) -> Float[Tensor, "m 3"]:
        """Unit, outwards; 0 where there is no slope at all."""
        assert self.slope is not None
        unit: Tensor = normalize(self.slope, dim=-1, eps=1e-6)  # a place inside has no direction
        return unit


class Solid(nn.Module):
    """A field that is looked at and learns."""

    def sections(self, rays: Bundle, normals: bool) -> Sections:
        """What rays meet; with slopes only if `normals` are wanted, for they cost."""
        raise NotImplementedError

    def regular(self) -> dict[str, Float[Tensor, ""]]:
        """How far it is from what a field of its kind should be like, by name; at least 0."""
        raise NotImplementedError

    def parts(self) -> dict[str, Iterable[nn.Parameter]]:
        """What is learned, by the names of its rates."""
        raise NotImplementedError
