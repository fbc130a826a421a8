"""DeepArchitect's searchers on one space."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.methods import deep_architect2
from netwright.methods.searchers import SEARCHERS
from netwright.spaces import NasBench201
from netwright.strategies.bayesian import NowAndThenRandom, RandomPool
from netwright.testing import check_strategy

SPACE = NasBench201()


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_each_keeps_the_contract_of_strategies(searcher: str) -> None:
    check_strategy(lambda space: deep_architect2(space, searcher))


def test_an_unknown_searcher_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"no searcher 'mtcs'.*did you mean 'mcts'"):
        deep_architect2(SPACE, "mtcs")


def test_smbo_finds_the_best_of_a_linear_score() -> None:
    """A sum of worths of options, which a ridge learns: far better than as many random draws."""
    worth = np.random.default_rng(5).normal(size=(6, 5))

    def score(point: tuple[int, ...]) -> float:
        return float(sum(worth[i, option] for i, option in enumerate(point)))

    strategy, rng, scores = deep_architect2(SPACE), np.random.default_rng(0), []
    for number in range(60):
        proposal = strategy.ask(rng)
        assert isinstance(proposal, Proposal)
        scores.append(score(proposal.candidate.point))  # pyright: ignore
        strategy.tell(Trial(number, proposal, "completed", Measurement({"val_accuracy": scores[-1]}), (scores[-1],)))
    every = np.sort(np.add.reduce(np.meshgrid(*worth, indexing="ij")).ravel())
    assert max(scores) > every[-16]  # of 15,625: 60 random draws are that good once in 17 searches


def test_one_round_in_ten_has_a_single_random_candidate() -> None:
    from netwright.strategies.bayesian.asked import Asked
    from netwright.strategies.bayesian.candidates import Standing

    standing = Standing(SPACE, (), (), Asked(SPACE), lambda found: np.zeros(len(found)))
    rng, candidates = np.random.default_rng(0), NowAndThenRandom(RandomPool(4), 0.1)
    sizes = [len(candidates.propose(standing, rng)) for _ in range(1_000)]
    assert set(sizes) == {1, 4} and sizes.count(1) == pytest.approx(100, abs=30)
