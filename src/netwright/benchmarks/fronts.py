"""Strategies compared by the fronts that they find: hypervolume over evaluations, attainment, statistics over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.budget import Budget
from netwright.benchmarks.entrants import entrants_of
from netwright.benchmarks.statistics import Pair, holm, mean_interval, pairwise
from netwright.core.errors import ConfigurationError
from netwright.core.fronts import attained, hypervolumes, worst
from netwright.core.objective import Objective
from netwright.core.roles import space_of
from netwright.core.wording import table
from netwright.engine.search import Search

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator


@dataclass(frozen=True, eq=False)
class FrontComparison:
    """What each strategy found, once a seed.

    objectives: with their directions.
    reference: the point from which hypervolume is measured, as scores: larger is better.
    scores: by strategy, of each seed the scores of its trials in order, float64 (trials, objectives); NaN where one did
        not complete.
    hypervolumes: by strategy, of each seed, after the last trial; float64 (seeds,).
    pairs: every two strategies, with p corrected for their number (Holm 1979).
    """

    objectives: tuple[Objective, ...]
    reference: tuple[float, ...]
    scores: Mapping[str, Sequence[np.ndarray]]
    hypervolumes: Mapping[str, np.ndarray]
    pairs: tuple[Pair, ...]

    def curve(self, strategy: str) -> np.ndarray:
        """float64 (seeds, evaluations): hypervolume after each evaluation, as far as every seed has them."""
        curves = [hypervolumes(each, self.reference) for each in self.scores[strategy]]
        least = min(map(len, curves))
        return np.array([each[:least] for each in curves])

    def attained(self, strategy: str, share: float = 0.5) -> np.ndarray:
        """float64 (points, objectives): the front that at least this share of the seeds reach or beat everywhere.

        The level set of the empirical attainment function (Grunert da Fonseca et al. 2001); 0.5 is the median front.

        strategy: its name.
        share: of the seeds, above 0 and at most 1.
        """
        return attained(self.scores[strategy], share)

    def lines(self) -> list[str]:
        """The report: mean hypervolume with its 95 % interval, and which strategies are told apart."""
        rows = []
        for name, values in self.hypervolumes.items():
            low, high = mean_interval(values)
            rows.append([name, f"{values.mean():.5g}", f"{low:.5g} to {high:.5g}", str(len(values))])
        point = ", ".join(
            f"{each.metric} {value if each.direction == 'maximize' else -value:.6g}"
            for each, value in zip(self.objectives, self.reference, strict=True)
        )
        apart = [
            f"{pair.better} finds a larger hypervolume than "
            f"{pair.second if pair.better == pair.first else pair.first} (p = {pair.corrected:.2g})"
            for pair in self.pairs
            if pair.better
        ]
        left = len(self.pairs) - len(apart)
        return [
            f"hypervolume from the reference point {point}",
            *table(("strategy", "mean", "95 % interval", "seeds"), rows),
            *apart,
            *([f"{left} of {len(self.pairs)} pairs are not told apart"] if left else []),
        ]


def compare_fronts(
    strategies: Any,
    estimator: Estimator,
    objectives: Sequence[str],
    evaluations: int,
    repeats: int = 20,
    *,
    reference: Sequence[float] | None = None,
    seed: int = 0,
) -> FrontComparison:
    """Let strategies search for a front with equal numbers of trials, and set them side by side.

    Seed n is the same for all strategies. Every two are compared by Wilcoxon's signed-rank test on the seeds, corrected
    for the number of pairs.

    strategies: as of `compare`: names with options, as "random,nsga2", classes, or by name functions of a space.
    estimator: of the networks of one space, such as `Table`.
    objectives: two and more, as "latency_ms:minimize".
    evaluations: trials of each search.
    repeats: how many searches of each strategy.
    reference: the point from which hypervolume is measured, in the objectives' own units; by default the worst in each
        objective of all that any strategy measured.
    seed: of the first repeat.

    Raises ConfigurationError for fewer than two objectives.
    """
    asked = tuple(Objective.parse(each) for each in objectives)
    space = space_of(estimator)
    if len(asked) < 2 or space is None:
        raise ConfigurationError(
            f"compare_fronts needs two objectives and an estimator that knows its space, found {len(asked)} and "
            f"{type(estimator).__name__}"
        )
    budget = Budget(evaluations=evaluations)
    scores: dict[str, list[np.ndarray]] = {}
    for entrant in entrants_of(strategies, budget):
        searches = (
            Search(entrant.strategy(space, budget), estimator, asked, seed=entrant.seed(seed + repeat))
            for repeat in range(repeats)
        )
        scores[entrant.name] = [_scores(each, evaluations) for each in searches]
    signs = [1.0 if each.direction == "maximize" else -1.0 for each in asked]
    point = worst(np.vstack([each for own in scores.values() for each in own]))
    if reference is not None:
        point = tuple(sign * value for sign, value in zip(signs, reference, strict=True))
    found = {name: np.array([hypervolumes(each, point)[-1] for each in own]) for name, own in scores.items()}
    pairs = pairwise(found)
    corrected = holm([each.p for each in pairs])
    told = (replace(pair, corrected=p, tests=len(pairs)) for pair, p in zip(pairs, corrected, strict=True))
    return FrontComparison(asked, point, scores, found, tuple(told))


def _scores(search: Search, evaluations: int) -> np.ndarray:
    """float64 (trials, objectives), in the order of the trials; NaN for those that did not complete."""
    trials = [each for each in search.run(trials=evaluations, progress=False).trials if not each.proposal.is_round]
    nothing = (np.nan,) * len(search.objectives)
    return np.array([each.scores or nothing for each in trials], dtype=np.float64)
