# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the codes of each family lie: a few Gaussians for each, fitted when the codes are there.

Codes drawn from N(0, 1) fall between the families and decode to debris; what the decoder has
learned is the aggregate posterior. So its density is estimated afterwards and drawn from (Dai and
Wipf 2019, arXiv:1903.05789; Ghosh et al. 2020, arXiv:1903.12436, section 4). Here it is a mixture:
each family's codes are split by k-means, for a table has legs or a post and nothing between, and
each part is a Gaussian whose covariance is, by the law of total variance,

    Sigma = Cov[mu(x)] + diag(E[sigma²(x)])

It must not know voxels.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

PARTS = 12
"""Of each family, if it has things enough: with 4, a table was drawn between legs and post."""
LEAST_IN_PART = 8
"""Things: fewer say little about how a part varies."""
ROUNDS = 20
"""Of k-means: some hundred codes have settled by then."""
LEAST_VARIANCE = 1e-4
"""Added to the diagonal: codes of few things span no more directions than there are things."""


class CodePrior(nn.Module):
    """Shares, means and Cholesky factors of each family's parts, kept with the weights."""

    share: Tensor
    mean: Tensor
    factor: Tensor

    def __init__(self, families: int, latent: int) -> None:
        super().__init__()
        self.families = families
        self.register_buffer("share", torch.eye(PARTS)[:1].repeat(families, 1))
        self.register_buffer("mean", torch.zeros(families, PARTS, latent))
        self.register_buffer("factor", torch.eye(latent).repeat(families, PARTS, 1, 1))

    def fit(
        self,
        means: Float[Tensor, "n latent"],
        log_variances: Float[Tensor, "n latent"],
        family: Int[Tensor, " n"],
    ) -> None:
        """Take the codes of things; a family without any stays as it is."""
        for index in sorted(set(family.tolist())):
            own, noise = means[family == index], log_variances[family == index].exp()
            part = parted(own, max(1, min(PARTS, len(own) // LEAST_IN_PART)))
            self.share[index] = torch.bincount(part, minlength=PARTS) / len(own)
            for number in sorted(set(part.tolist())):
                self._fit_part(index, number, own[part == number], noise[part == number])

    def _fit_part(self, index: int, number: int, codes: Tensor, noise: Tensor) -> None:
        centred = codes - codes.mean(dim=0)
        covariance = centred.T @ centred / len(codes)
        covariance += torch.diag(noise.mean(dim=0) + LEAST_VARIANCE)
        self.mean[index, number] = codes.mean(dim=0)
        self.factor[index, number] = torch.linalg.cholesky(covariance)

    def draw(
        self, family: Int[Tensor, " n"], spread: float, generator: torch.Generator
    ) -> Float[Tensor, "n latent"]:
        """Codes of things of these families; `spread` 1 is as varied as what was seen."""
        family = family.to(self.mean.device)
        shares = self.share[family].cpu()
        part = torch.multinomial(shares, 1, generator=generator)[:, 0].to(family.device)
        noise = torch.randn(len(family), self.mean.shape[-1], generator=generator)
        turned = torch.einsum("nij,nj->ni", self.factor[family, part], noise.to(family.device))
        return self.mean[family, part] + spread * turned


def parted(codes: Float[Tensor, "n latent"], count: int) -> Int[Tensor, " n"]:
    """The part of each code, by k-means (Lloyd 1982); begun from codes that are far apart."""
    middles = codes.mean(dim=0, keepdim=True)
    for _ in range(count):
        farthest = torch.cdist(codes, middles).amin(dim=1).argmax()
        middles = torch.cat([middles, codes[farthest : farthest + 1]])
    middles = middles[1:]
    for _ in range(ROUNDS):
        part = torch.cdist(codes, middles).argmin(dim=1)
        kept = [codes[part == number] for number in range(count)]
        middles = torch.stack(
            [own.mean(dim=0) if len(own) else old for own, old in zip(kept, middles, strict=True)]
        )
    return torch.cdist(codes, middles).argmin(dim=1)
