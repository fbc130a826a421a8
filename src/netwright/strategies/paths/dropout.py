"""Path dropout (Bender et al. 2018, "Understanding and Simplifying One-Shot Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from netwright.core.architecture import Mixture
from netwright.core.checks import probability
from netwright.core.errors import ConfigurationError
from netwright.strategies.paths.sampler import PathSampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision


class PathDropout(PathSampler):
    """Each step trains on the sum of all options that are not dropped, each with weight 1.

    Each of the k paths that are added up is dropped with probability r^(1/k), so that all of them would be with
    probability r. The paths are the options of one decision, or those on all the sources of a node that keeps some of
    them. Of decisions on a size or a number of layers, which cannot be added up, one option is drawn uniformly.

    The kept options are not scaled up: the batch normalisation that follows takes care of the size of the sum. Where
    all k paths would be dropped one of them stays, drawn uniformly, because a chain of layers would be cut otherwise.
    The paper drops paths anew for each small part of a batch; here one choice serves the whole batch.

    space: the one to search.
    rate: r at the end of training, to which it rises linearly from 0.
    """

    def __init__(self, space: DecisionSpace, rate: float = 0.1) -> None:
        super().__init__(space)
        self.rate = probability(self, "rate", rate)
        if rate == 1:
            raise ConfigurationError("PathDropout: rate is 1, which drops every path; expected less")

    def step(self, rng: np.random.Generator) -> Sequence[Mixture]:
        import torch  # not at the top, so that strategies can be named without waiting for it

        active: dict[str, tuple[int, ...]] = {}
        for group in self._groups:
            if group[0].kind == "one":
                active.update(self._kept(group, rng))
            else:
                active[group[0].name] = (int(rng.random() * len(group[0].options)),)
        weights = {
            each.name: torch.ones(len(each.options) + len(each.soft))
            for each in self.space.decisions
            if each.kind != "sources"
        }
        return (Mixture(weights, active),)

    @cached_property
    def _groups(self) -> list[list[Decision]]:
        """Decisions whose options lead into the same sum."""
        table = self.space.decisions
        group_of = {
            name: each.name for each in table if each.kind == "sources" for _, name in each.edges if name is not None
        }
        groups: dict[str, list[Decision]] = {}
        for each in table:
            if each.kind != "sources":
                groups.setdefault(group_of.get(each.name, each.name), []).append(each)
        return list(groups.values())

    def _kept(self, group: Sequence[Decision], rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
        """The options that are not dropped, of each decision of a group."""
        sizes = [len(each.options) for each in group]
        k = sum(sizes)
        rate = (self.rate * self.progress) ** (1 / k)
        kept = rng.random(k) >= rate
        rescued = int(rng.random() * k)
        kept[rescued] |= not kept.any()
        found: dict[str, tuple[int, ...]] = {}
        start = 0
        for each, size in zip(group, sizes, strict=True):
            found[each.name] = tuple(kept[start : start + size].nonzero()[0].tolist())
            start += size
        return found
