"""The foretold latency of a mixture, against the sum over all networks and finite differences, and as a limit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.estimators.test_expected_cost import Built, Nested, brute_force, mixture_of
from torch import nn

import netwright as nw
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import NOWHERE, at
from netwright.estimators import Latency, PredictedLatency, SharedWeights
from netwright.estimators.decoding import Within
from netwright.estimators.machine import ByTheClock, as_foretold
from netwright.estimators.machine.operation_times import CALLS, Fit, OperationTimes, sizes_of
from netwright.estimators.penalties import Limit, LogProduct
from netwright.estimators.terms import ExpectedCost, terms_of, with_terms
from netwright.methods.two_level import darts
from netwright.networks.executed import Operation, executed
from netwright.runtimes.timing import Timing
from netwright.spaces import Chain, Darts, Mobile, NasBench201

SHAPE = nw.TaskShape((3, 8, 8), 4)
FIT = Fit(own=0.05, kinds={"conv2d": 1.3, CALLS: 0.9}, common=0.8, error=0.05, reach=0.2)


@pytest.fixture(autouse=True)
def known_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations take what their sizes say, and nothing is timed."""

    def ms(_: OperationTimes, operation: Operation) -> float:
        return 0.003 + 0.001 * len(operation.name) + 0.01 * sum(sizes_of(operation))

    monkeypatch.setattr(OperationTimes, "_ms", ms)
    monkeypatch.setattr(OperationTimes, "measure", lambda *_: None)
    monkeypatch.setattr(PredictedLatency, "fit", FIT)


def foretelling(space: nw.DecisionSpace) -> PredictedLatency:
    return PredictedLatency(space, SHAPE, table="")


@pytest.mark.parametrize("sources", [True, False])
@pytest.mark.parametrize("space", [Nested(), Built()], ids=lambda each: type(each).__name__)
def test_it_is_the_sum_over_all_networks(space: nw.DecisionSpace, sources: bool) -> None:
    stage = foretelling(space)
    mixture = mixture_of(space, sources=sources)

    class Whole:
        """What is foretold of each network by itself, as though it were all that is counted."""

        def figures(self, architecture: nw.Architecture) -> dict[str, float]:
            return {"latency_ms": stage.of(architecture), "none": 0.0, "neither": 0.0}

    found = stage.costs.expected(mixture)
    assert list(found) == ["latency_ms"]
    assert float(found["latency_ms"].detach()) == pytest.approx(brute_force(space, Whole(), mixture)[0], rel=1e-12)  # pyright: ignore


@pytest.mark.parametrize("space", [Nested(), Built()], ids=lambda each: type(each).__name__)
def test_its_gradient_is_that_of_finite_differences(space: nw.DecisionSpace) -> None:
    costs, mixture = foretelling(space).costs, mixture_of(space)
    names = list(mixture.weights)

    def ms(*weights: torch.Tensor) -> torch.Tensor:
        return costs.expected(nw.Mixture(dict(zip(names, weights, strict=True))))["latency_ms"]

    assert torch.autograd.gradcheck(ms, [mixture.weights[name] for name in names])


@pytest.mark.parametrize(
    "space",
    [Mobile(form="fbnet", width=0.5), Darts(cells=3, channels=2, nodes=2), Chain(width=4)],
    ids=["fbnet", "darts", "chain"],
)
def test_options_and_parts_add_up_to_what_is_foretold_of_a_network(space: nw.DecisionSpace) -> None:
    stage, rng = foretelling(space), np.random.default_rng(3)
    for _ in range(2):
        drawn = space.sample(rng)
        assert stage.costs.figures(drawn)["latency_ms"] == pytest.approx(stage.of(drawn), rel=1e-9)


def test_where_sums_between_options_differ_it_is_nearly_so() -> None:
    """Nodes of cells add up fewer inputs where some are nothing."""
    space = NasBench201(cells=1, channels=4)
    stage, rng = foretelling(space), np.random.default_rng(3)
    costs, drawn = stage.costs, [space.sample(rng) for _ in range(40)]
    errors = [abs(costs.figures(each)["latency_ms"] / stage.of(each) - 1) for each in drawn]
    assert costs.knows_mean and 0 < np.median(errors) < 0.05 and np.quantile(errors, 0.8) < 0.1


def test_layers_are_told_apart_by_who_calls() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Linear(256, 2))
    found = executed(network, (3, 8, 8), layers=True)
    told = dict(zip(found.layers, (each.name for each in found.operations), strict=True))
    assert told == {"0": "conv2d", "1.0": "relu", "1.1": "flatten", "2": "linear"}
    assert executed(network, (3, 8, 8)).layers == ()


def test_terms_on_latency() -> None:
    space = Nested()
    costs, mixture = foretelling(space).costs, mixture_of(space)
    ms = float(costs.expected(mixture)["latency_ms"].detach())
    gradient = {name: torch.zeros_like(each) for name, each in mixture.weights.items()}
    for term, wanted in (
        (LogProduct("latency_ms"), 1.5 * 0.2 * math.log(1000 * ms) ** 0.6),  # in microseconds, as in the paper
        (ExpectedCost("latency_ms", 0.5, "2 ms"), 1.5 + 0.5 * ms / 2),
        (terms_of("0.5*latency_ms")[0], 1.5 + 0.5 * ms / costs.of_uniform["latency_ms"]),
    ):
        told = with_terms(Measurement({"loss": 1.5}, gradient), mixture, [term], costs)
        assert float(told.metrics["loss"]) == pytest.approx(wanted, rel=1e-6)


def test_a_limit_on_latency_goes_by_what_is_foretold_with_the_margin_of_the_clock() -> None:
    stage = foretelling(Nested())
    asked = [nw.Constraint.parse(each) for each in ("latency_ms <= 2", "latency_predicted_ms <= 2", "macs <= 9")]
    assert [(each.metric, each.limit) for each in as_foretold(asked, stage)] == [
        ("latency_ms", pytest.approx(1.9)),
        ("latency_ms", 2),
        ("macs", 9),
    ]


def clock(monkeypatch: pytest.MonkeyPatch, stage: PredictedLatency, times: float) -> list[float]:
    """Networks take so many times what is foretold of them; what was measured."""
    measured: list[float] = []

    def timing(_: Latency, network: nn.Module, seconds: float | None = None) -> Timing:
        ms = times * stage.times.predict(executed(network, SHAPE.input), FIT)
        measured.append(ms)
        return Timing(ms, 0.02, ms, 30)

    monkeypatch.setattr(Latency, "timing", timing)
    monkeypatch.setattr("netwright.estimators.machine.latency.PAUSE", 0.0)
    return measured


@pytest.mark.parametrize("times", [0.7, 1.0, 1.25])
def test_what_is_decoded_keeps_the_limit_by_the_clock(monkeypatch: pytest.MonkeyPatch, times: float) -> None:
    space = Nested()
    stage, meter = foretelling(space), Latency(space, SHAPE)
    measured = clock(monkeypatch, stage, times)
    everyone = [stage.of(each) for each in space.enumerate()]
    slowest = max(space.enumerate(), key=stage.of)
    limit = nw.Constraint("latency_ms", times * float(np.quantile(everyone, 0.3)))
    decoder = ByTheClock(Within(stage.costs, as_foretold([limit], stage)), meter, [limit])
    for seed in range(3):
        found = decoder.decode(mixture_of(space, seed))
        assert times * stage.of(found) <= limit.limit
        assert decoder.holds(found) == decoder.within.holds(found)  # it errs to the one side alone
        with at(replace(NOWHERE, limits=(limit,))):
            meter.estimate(Proposal(found), 0)  # as its trial will
    assert len(measured) < 30
    assert not decoder.holds(slowest)


def search_of(task: nw.Task, limit: str) -> nw.Search:
    made = darts(Nested(), task, epochs=4, batch_size=8, architecture_rate=0.1, device="cpu", alarms=False)
    return made.replace(constraints=(limit,))


def test_darts_keeps_a_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    task = nw.tasks.arrays(rng.integers(0, 255, size=(64, 8, 8, 3)).astype(np.uint8), np.arange(64) % 4)
    stage = foretelling(Nested())
    clock(monkeypatch, stage, 1.1)
    everyone = sorted(1.1 * stage.of(each) for each in Nested().enumerate())
    run = search_of(task, f"latency_ms <= {everyone[len(everyone) // 4] / 0.94}").run()
    assert run.best.metrics["latency_ms"] <= everyone[len(everyone) // 4] / 0.94
    epochs = [each.metrics["expected_latency_ms"] for each in run.trials if each.proposal.is_round]
    assert len(epochs) == 4 and epochs[-1] < 0.99 * epochs[0]
    with pytest.raises(nw.NetwrightError, match="latency_predicted_ms"):
        search_of(task, f"latency_ms <= {everyone[0] / 3}").run()


def test_a_term_on_latency_needs_no_limit() -> None:
    task = nw.tasks.arrays(np.zeros((32, 8, 8, 3), np.uint8), np.arange(32) % 4)
    weights = SharedWeights(
        Nested(), task, epochs=1, batch_size=8, terms=[LogProduct("latency_ms")], split=0.25, device="cpu"
    )
    weights.within((), ())
    assert weights.costs.metrics == ("params", "macs", "activation_memory", "latency_ms")
    weights.within([nw.Constraint.parse("latency_ms <= 3")])
    assert [type(each) for each in weights.leading.added] == [LogProduct, Limit]
