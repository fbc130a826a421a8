from __future__ import annotations

import zlib

import numpy as np
import pytest
from free_search import Cell, Single, Sorted, count_a, search, trial_of

from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.methods import bayesian as named
from netwright.predictors.gaussian_process import GaussianProcess, gaussian_process
from netwright.predictors.mlp import MlpEnsemble
from netwright.predictors.mlp import ensemble as mlp
from netwright.strategies import RandomSearch
from netwright.strategies.bayesian import (
    BayesianOptimization,
    IndependentThompsonSampling,
    MutationsOfBest,
    RandomPool,
    UpperConfidenceBound,
    optimization,
)
from netwright.strategies.bayesian.beliefs import Beliefs
from netwright.testing import check_strategy

SPACE = Cell(8)
METHODS = ["gp", "bananas", "nasbot", "gp_nas", "auto_keras", "npenas", "predictor"]


def quick_ensemble(space):
    return MlpEnsemble(space, networks=2, layers=1, width=8, steps=10)


def ensemble(space, **options):
    return BayesianOptimization(space, quick_ensemble(space), IndependentThompsonSampling(), **options)


def test_keeps_the_contract():
    check_strategy(lambda space: BayesianOptimization(space, initial=4, batch=2), trials=12, exhausts=True)


def test_keeps_the_contract_with_an_ensemble():
    check_strategy(lambda space: ensemble(space, initial=6, batch=5), trials=12, exhausts=True)


def test_finds_the_best_of_a_space_that_random_search_does_not():
    found = [max(t.scores[0] for t in search(BayesianOptimization(SPACE), 60, seed=seed)) for seed in range(2)]
    random = [max(t.scores[0] for t in search(RandomSearch(SPACE), 60, seed=seed)) for seed in range(2)]
    assert min(found) == 8 and max(random) < 8


@pytest.mark.parametrize("method", ["gp", "bananas", "gp_nas", "npenas"])
def test_the_methods_of_papers_beat_random_search(method):
    made = getattr(named, method)(SPACE, initial=10, batch=5)
    found = max(t.scores[0] for t in search(made, 60))
    assert found >= 6 > max(t.scores[0] for t in search(RandomSearch(SPACE), 60)) - 1


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_an_expression_with_the_papers_defaults(method):
    made = getattr(named, method)(SPACE)
    assert type(made) is BayesianOptimization
    assert (made.initial, made.batch) == {
        "bananas": (10, 10),
        "npenas": (10, 10),
        "predictor": (172, 128),
        "gp": (10, 10),
    }.get(method, (10, 5))
    assert made.configuration()["arguments"]["predictor"]["class"].startswith("netwright.predictors.")


@pytest.mark.parametrize("kernel", named.KERNELS)
def test_every_kernel_has_a_name(kernel):
    space = Cell(3)
    assert len(search(named.gp(space, initial=4, kernel=kernel, candidates=10), 8)) == 8


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ConfigurationError, match="did you mean 'otmann'"):
        named.gp(SPACE, kernel="otman")


def test_a_predictor_of_another_space_is_refused():
    with pytest.raises(ConfigurationError, match="expected 'cell"):
        BayesianOptimization(SPACE, GaussianProcess(Cell(3)))


def test_the_given_predictor_is_not_touched():
    predictor = GaussianProcess(SPACE)
    search(BayesianOptimization(SPACE, predictor), 15)
    assert predictor.examples is None


class TestPending:
    @pytest.mark.parametrize("make", [BayesianOptimization, ensemble])
    def test_parallel_asks_differ_and_none_is_asked_twice(self, make):
        for workers in (4, 12):
            trials = search(make(SPACE, initial=6), 40, slots=workers)
            assert len({trial.architecture for trial in trials}) == 40

    def test_a_pending_architecture_counts_as_measured_at_its_mean(self):
        space, bound, generators = Cell(3), UpperConfidenceBound(5.0), Generators(0)
        strategy = BayesianOptimization(space, None, bound, RandomPool(200), initial=8)  # the pool is the whole space
        for number in range(8):
            strategy.tell(trial_of(number, strategy.ask(generators(number))))
        asked = [strategy.ask(generators(8 + k)).candidate for k in range(5)]
        model, told = strategy._beliefs.predictor, set(strategy._beliefs.ranked)
        pool = [each for each in space.enumerate() if each not in told]
        for k, architecture in enumerate(asked):
            left = [each for each in pool if each not in asked[:k]]
            believing = bound.scores(model, left, 0.0, asked[:k], np.random.default_rng(0))
            assert left[int(believing.argmax())] == architecture
        alone = bound.scores(model, pool, 0.0, (), np.random.default_rng(0))
        assert {pool[place] for place in np.argsort(-alone, kind="stable")[:5]} != set(asked)

    def test_parallel_workers_find_as_much(self):
        alone = [max(t.scores[0] for t in search(BayesianOptimization(SPACE), 48, seed=s)) for s in range(2)]
        crowd = [max(t.scores[0] for t in search(BayesianOptimization(SPACE), 48, seed=s, slots=6)) for s in range(2)]
        assert np.mean(crowd) >= np.mean(alone) - 0.7

    def test_a_round_of_believed_scores_is_forgotten_when_they_are_told(self):
        strategy, generators = ensemble(SPACE, initial=4, batch=2), Generators(0)
        asked = [strategy.ask(generators(k)) for k in range(4)]
        for number in range(3):
            strategy.tell(trial_of(number, asked[number]))
        later = [strategy.ask(generators(4 + k)) for k in range(4)]
        predictor = strategy._beliefs.predictor
        assert len(predictor.examples) == 5  # three that were told and two that are believed
        for number, proposal in enumerate([asked[3], *later]):
            strategy.tell(trial_of(3 + number, proposal))
        strategy.ask(generators(20))
        assert predictor.examples.values.tolist() == [t for t in predictor.examples.values if t == int(t)]
        assert len(predictor.examples) == 8


class TestTrialsThatFail:
    def test_what_diverges_is_avoided(self):
        def state(architecture):
            return "diverged" if architecture.point[0] == 0 else "completed"

        trials = search(BayesianOptimization(SPACE), 80, state=state)
        assert sum(t.state == "diverged" for t in trials[40:]) < 12
        assert max(t.scores[0] for t in trials if t.completed) >= 6

    def test_what_was_lost_says_nothing(self):
        strategy, generators = BayesianOptimization(SPACE, initial=4), Generators(0)
        for number in range(6):
            ended = "lost" if number % 2 else "completed"
            strategy.tell(trial_of(number, strategy.ask(generators(number)), state=lambda _, ended=ended: ended))
        strategy.ask(generators(9))
        assert len(strategy._beliefs.predictor.examples) == 3

    def test_failures_and_scores_that_are_no_numbers_count_as_the_worst(self):
        strategy, generators = BayesianOptimization(SPACE, initial=4), Generators(0)
        scores = iter([(3.0,), (float("-inf"),), (1.0,), (2.0,)])
        for number in range(4):
            score = next(scores)
            strategy.tell(trial_of(number, strategy.ask(generators(number)), lambda _, score=score: score))
        strategy.ask(generators(9))
        assert strategy._beliefs.predictor.examples.values.tolist() == [3, 1, 1, 2]

    def test_while_nothing_completed_random_architectures_are_asked(self):
        trials = search(BayesianOptimization(SPACE, initial=3), 20, state=lambda _: "error")
        assert len({trial.architecture for trial in trials}) == 20


class TestTheEnd:
    @pytest.mark.parametrize("make", [BayesianOptimization, ensemble])
    def test_everything_is_asked_once(self, make):
        for space in (Cell(2), Sorted()):
            strategy = make(space, initial=3, batch=2)
            different = len({space.canonical(each) for each in space.enumerate()})
            assert len({t.architecture for t in search(strategy, different)}) == different
            with pytest.raises(SpaceExhausted):
                strategy.ask(Generators(0)(99))

    def test_a_single_architecture(self):
        strategy = BayesianOptimization(Single())
        search(strategy, 1)
        with pytest.raises(SpaceExhausted):
            strategy.ask(Generators(0)(1))


def test_several_objectives_spread_over_the_front():
    def score(architecture):
        return (*count_a(architecture), float(architecture.point.count(1)))

    trials = search(BayesianOptimization(SPACE, batch=10), 80, score=score)
    assert len({t.scores for t in trials if sum(t.scores) >= 7}) >= 4


def test_acquisition_and_candidates_are_part_of_the_configuration():
    made = BayesianOptimization(SPACE, acquisition=UpperConfidenceBound(1.0), candidates=MutationsOfBest(30))
    arguments = made.configuration()["arguments"]
    assert arguments["acquisition"]["arguments"] == {"weight": 1.0}
    assert arguments["candidates"]["arguments"]["size"] == 30
    assert "UpperConfidenceBound(weight=1.0)" in repr(made)


@pytest.mark.parametrize("wrong", [{"initial": 0}, {"batch": 0}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="expected"):
        BayesianOptimization(SPACE, **wrong)


class TestLargeSearches:
    """The work of a round does not grow with the search."""

    @staticmethod
    def told(strategy, count, objectives=1):
        generators = Generators(0)
        for number in range(count):
            proposal = strategy.ask(generators(number))
            noise = zlib.crc32(proposal.candidate.to_json().encode())
            scores = tuple(noise // 1000**k % 1000 / 1000 for k in range(objectives))
            strategy.tell(trial_of(number, proposal, lambda _, found=scores: found))

    def test_rounds_are_a_share_of_what_is_known(self, monkeypatch):
        known = []
        learn = Beliefs.learn
        monkeypatch.setattr(optimization, "LARGE", 200)
        monkeypatch.setattr(Beliefs, "learn", lambda self, *rest: known.append(len(self)) or learn(self, *rest))
        self.told(ensemble(SPACE, initial=175, batch=5), 250)
        assert np.diff(known).tolist() == [5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7]

    def test_a_round_is_not_larger_than_a_quarter_of_its_candidates(self, monkeypatch):
        known = []
        learn = Beliefs.learn
        monkeypatch.setattr(optimization, "LARGE", 20)
        monkeypatch.setattr(optimization, "SHARE", 0.5)
        monkeypatch.setattr(Beliefs, "learn", lambda self, *rest: known.append(len(self)) or learn(self, *rest))
        self.told(ensemble(SPACE, initial=100, batch=5, candidates=RandomPool(40)), 131)
        assert np.diff(known).tolist() == [10, 10, 10]

    def test_an_ensemble_learns_a_bounded_number_of_examples(self, monkeypatch):
        learnt = []
        train = MlpEnsemble._train
        monkeypatch.setattr(mlp, "MOST", 40)
        monkeypatch.setattr(
            MlpEnsemble,
            "_train",
            lambda self, nets, rows, *rest: learnt.append(len(rows)) or train(self, nets, rows, *rest),
        )
        self.told(named.bananas(SPACE, initial=35, batch=10), 70)
        assert learnt == [35, 40, 40, 40]

    def test_several_objectives_do_not_learn_hyperparameters_in_every_round(self, monkeypatch):
        learnt = []
        learn = gaussian_process.learn
        monkeypatch.setattr(gaussian_process, "EXACTLY", 30)
        monkeypatch.setattr(gaussian_process, "learn", lambda *given: learnt.append(len(given[3])) or learn(*given))
        self.told(named.gp(SPACE, initial=20, batch=5), 85, objectives=2)
        assert learnt == [20, 25, 30, 45, 70]
