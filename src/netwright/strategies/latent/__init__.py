"""Search in a continuous space that architectures are encoded into and decoded from (Luo et al. 2018)."""

from __future__ import annotations

from netwright.strategies.latent.latent_gradient import LatentGradient

PROVIDES = ("search.latent_gradient",)

__all__ = ["LatentGradient"]
