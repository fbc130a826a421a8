from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.correlation import bootstrap, ranks, spearman
from netwright.core.errors import ConfigurationError, Diverged, UserError
from netwright.core.trial import Proposal
from netwright.estimators import Cost, Filter, Function, Stack, ZeroCost
from netwright.estimators.zero_cost import PROXIES, best_of_random, rank_random
from netwright.strategies import RandomSearch
from netwright.testing import check_estimator

EVERY = tuple(PROXIES)


@pytest.fixture(scope="module")
def task():
    return nw.tasks.digits(limit=120)


def spaces():
    return {
        "nasbench201": nw.spaces.NasBench201(channels=4, cells=1),
        "darts": nw.spaces.Darts(channels=4, cells=3),
        "nasnet": nw.spaces.NasNet(channels=4, cells=3),
        "chain": nw.spaces.Chain(),
    }


@pytest.mark.parametrize("name", spaces())
def test_every_proxy_scores_networks_of_every_image_space(name, task):
    space = spaces()[name]
    finite = ("snip", "fisher", "synflow", "zen")
    names = finite if name in ("darts", "nasnet") else EVERY  # theirs are large networks
    found = ZeroCost(space, task, names, batch_size=4, device="cpu").scores(space.sample(np.random.default_rng(1)))
    assert set(found) == set(names)
    assert all(isinstance(value, float) for value in found.values())
    assert all(math.isfinite(found[each]) for each in finite)


def test_every_proxy_scores_networks_for_vectors():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    task = nw.tasks.arrays(generator.normal(size=(60, 5)).astype(np.float32), labels)
    space = nw.spaces.Mlp()
    found = ZeroCost(space, task, EVERY, batch_size=8, device="cpu").scores(space.sample(generator))
    assert set(found) == set(EVERY) and math.isfinite(found["snip"])


def test_it_keeps_the_contract_of_an_estimator(task):
    space = nw.spaces.Chain()
    check_estimator(ZeroCost(space, task, ("params", *EVERY), batch_size=8, device="cpu"), space, samples=2)


def test_the_stages_measure_parameters_first_and_limits_hold_on_scores(task):
    space = nw.spaces.NasBench201(channels=4, cells=1)
    estimator = ZeroCost(space, task, ("synflow",), batch_size=4, device="cpu")
    assert isinstance(estimator.stages()[0], Cost) and estimator.stages()[-1] is estimator
    middle = float(np.median([each.score for each in rank_random(space, estimator, count=15)]))
    asked = []
    stack = Stack(estimator, Function(lambda each: asked.append(each) or 1.0, "v"))
    run = nw.Search(RandomSearch(space), stack, "v", constraints=[f"synflow >= {middle:.9g}"]).run(trials=5)
    assert all(trial.metrics["synflow"] >= middle for trial in run.trials if trial.completed)
    assert len(asked) == 5 and {"params", "macs"} <= set(run.best.metrics)


def test_the_same_seed_gives_the_same_scores_and_another_one_others(task):
    space = nw.spaces.Chain()
    architecture = space.sample(np.random.default_rng(0))
    first, second = (ZeroCost(space, task, ("snip",), batch_size=8, device="cpu") for _ in range(2))
    assert first.scores(architecture, 3) == second.scores(architecture, 3) != first.scores(architecture, 4)
    other = ZeroCost(space, task, ("snip",), batch_size=8, data_seed=1, device="cpu")
    assert other.scores(architecture, 3) != first.scores(architecture, 3)


def test_repeats_are_the_mean_over_initialisations(task):
    space = nw.spaces.Chain()
    architecture = space.sample(np.random.default_rng(0))
    once, thrice = (ZeroCost(space, task, ("snip",), 8, repeats=k, device="cpu") for k in (1, 3))
    mean = sum(once.scores(architecture, 5 + k)["snip"] for k in range(3)) / 3
    assert thrice.scores(architecture, 5)["snip"] == pytest.approx(mean)


def test_a_score_that_is_not_finite_ends_the_trial_and_keeps_the_others(task):
    space = nw.spaces.NasBench201(channels=4, cells=1)
    nothing = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    estimator = ZeroCost(space, task, ("snip", "synflow"), batch_size=4, device="cpu")
    with pytest.raises(Diverged, match="synflow is -inf") as failure:
        estimator.estimate(Proposal(nothing), 0)
    assert set(failure.value.metrics) == {"snip"}
    assert rank_random(Only(nothing), estimator, "synflow", count=1)[0].score == -math.inf


class Only:
    """As much of a space as drawing needs, with one architecture."""

    def __init__(self, architecture):
        self.architecture = architecture

    def sample(self, rng):
        return self.architecture

    def key(self, architecture):
        return architecture.content


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"proxies": ("synflo",)}, "did you mean 'synflow'"),
        ({"proxies": ()}, "at least one proxy"),
        ({"batch_size": 1}, "at least 2"),
        ({"repeats": 0}, "at least 1"),
        ({"batchsize": 3}, "did you mean 'batch_size'"),
    ],
)
def test_what_cannot_be_is_refused(task, wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        ZeroCost(nw.spaces.Chain(), task, **wrong)


def test_minibatches_are_different_examples_of_the_training_split_and_at_most_half_of_it(task):
    estimator = ZeroCost(nw.spaces.Chain(), task, ("snip",), 1000, device="cpu")
    first, second = estimator._drawn
    train = len(task.search_data(0).train)
    assert len(first) == len(second) == train // 2
    both = torch.cat([first.inputs, second.inputs]).flatten(1)
    assert len(both.unique(dim=0)) == len(task.search_data(0).train.inputs[: 2 * (train // 2)].flatten(1).unique(dim=0))
    assert float(both.mean().abs()) < 0.1  # normalised


def test_a_mixture_is_refused(task):
    with pytest.raises(UserError, match="mixture"):
        ZeroCost(nw.spaces.Chain(), task, device="cpu").estimate(Proposal(nw.core.architecture.Mixture({})), 0)


def test_it_is_its_configuration(task):
    estimator = ZeroCost(nw.spaces.Chain(), task, "snip", device="cpu")
    assert json.loads(json.dumps(estimator.configuration()))["arguments"]["proxies"] == ["snip"]
    assert estimator.replace(batch_size=8).proxies == ("snip",)


# Filters and beginnings.


class Score(nw.Estimator):
    """A cheap score of architectures: the sum of their options."""

    metrics = ("score",)

    def __init__(self, space):
        self.space = space

    def estimate(self, proposal, seed):
        return nw.core.trial.Measurement({"score": float(sum(proposal.candidate.point))})


def test_a_filter_lets_the_share_through_that_it_promises():
    space = nw.spaces.NasBench201()
    measured = []
    dear = Function(lambda each: measured.append(each) or float(sum(each.point)), "v")
    estimator = Filter(dear, Score(space), keep=0.25, sample=400)
    run = nw.Search(RandomSearch(space), estimator, "v").run(trials=150)
    infeasible = sum(trial.state == "infeasible" for trial in run.trials)
    assert len(measured) == 150 and all(sum(each.point) >= estimator.threshold for each in measured)
    passed = 150 / (150 + infeasible)
    ties = np.mean([sum(each.point) >= estimator.threshold for each in space.enumerate()])
    assert passed == pytest.approx(ties, abs=0.08)
    refused = next(trial for trial in run.trials if trial.state == "infeasible")
    assert "not among the best 25%" in refused.reason and "score" in refused.metrics


def test_the_threshold_is_that_of_the_sample_and_the_same_again():
    space = nw.spaces.NasBench201()
    estimator = Filter(Function(lambda _: 1.0, "v"), Score(space), keep=0.5, sample=40, seed=3)
    found = sorted((each.score for each in rank_random(space, Score(space), count=40, seed=3)), reverse=True)
    assert estimator.threshold == found[19] == estimator.replace().threshold


def test_filters_that_cannot_be_are_refused():
    space = nw.spaces.NasBench201()
    dear = Function(lambda _: 1.0, "v")
    for wrong in ({"keep": 0}, {"keep": 1.5}, {"sample": 1}, {"metric": "scor"}):
        with pytest.raises(ConfigurationError):
            Filter(dear, Score(space), **wrong)
    with pytest.raises(ConfigurationError, match="does not say the space"):
        Filter(dear, Function(lambda _: 1.0, "score"))


def test_the_best_of_random_are_the_best_of_those_drawn():
    space = nw.spaces.NasBench201()
    ranked = rank_random(space, Score(space), count=30, seed=1)
    assert len({space.canonical(each.architecture) for each in ranked}) == 30
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    best = best_of_random(space, Score(space), count=30, keep=4, seed=1)
    assert best == [each.architecture for each in ranked[:4]]
    small = rank_random(space, Cost(space, nw.core.task.TaskShape((3, 8, 8), 4)), "params", count=10)
    assert small[0].score == max(each.score for each in small) < 0


# Statistics.


def test_rank_correlation_is_scipys_and_its_interval_covers():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    first = rng.normal(size=60)
    second = first + rng.normal(size=60)
    second[:6] = second[6:12]
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    low, high = bootstrap(spearman, first, second)
    assert low < spearman(first, second) < high and high - low < 0.5
    assert math.isnan(spearman(first, np.ones(60)))
    assert ranks([math.nan, 2.0, -math.inf, 1.0]).tolist() == [1.5, 4.0, 1.5, 3.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_scores_on_a_gpu_are_those_of_the_processor(task):
    space = nw.spaces.NasBench201(channels=4, cells=1)
    architecture = space.sample(np.random.default_rng(1))
    names = tuple(name for name in EVERY if name != "zen")  # draws its weights on the device
    there, here = (ZeroCost(space, task, names, 8, device=device).scores(architecture) for device in ("cuda", "cpu"))
    assert there == pytest.approx(here, rel=1e-2)
