"""What holds the expected cost of a mixture to a target: formulas, gradients, and whether a limit is reached."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.trial import Measurement
from netwright.estimators import Cost
from netwright.estimators.penalties import Band, Limit, LogProduct
from netwright.estimators.terms import ExpectedCost, Term, with_terms
from netwright.methods.two_level import darts
from netwright.spaces import NasBench201
from netwright.store import Store

SHAPE = nw.TaskShape((3, 8, 8), 4)
SPACE = NasBench201(cells=1, channels=4)


def mixture_of(logits: dict[str, torch.Tensor]) -> nw.Mixture:
    return nw.Mixture({name: each.softmax(-1) for name, each in logits.items()})


def logits_of(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made = {each.name: torch.randn(len(each.options) + len(each.soft), generator=generator) for each in SPACE.decisions}
    return {name: each.double().requires_grad_() for name, each in made.items()}


@pytest.mark.parametrize(
    ("term", "formula"),
    [
        (LogProduct("macs", 0.2, 0.6, 1000), lambda loss, cost: loss * 0.2 * math.log(cost / 1000) ** 0.6),
        (Band("macs", 20_000, 2.0), lambda loss, cost: loss + 2 * math.log(cost / 20_000)),
        (Band("macs", "1M", 2.0), lambda loss, cost: loss - 2 * math.log(cost / 1e6)),
        (ExpectedCost("macs", 0.3, "100k"), lambda loss, cost: loss + 0.3 * cost / 1e5),
        (Limit("macs", "20k"), lambda loss, cost: loss + 1.5 * 2.5 * (cost / 2e4 - 1) ** 2),
        (Limit("macs", "1M"), lambda loss, cost: loss),
    ],
)
def test_what_is_told_is_the_formula(term: Term, formula) -> None:
    cost, logits = Cost(SPACE, SHAPE), logits_of(0)
    mixture = mixture_of(logits)
    expected = float(cost.expected(mixture)["macs"])
    gradient = {name: torch.ones_like(each) for name, each in mixture.weights.items()}
    told = with_terms(Measurement({"loss": 1.5}, gradient), mixture, [term], cost)
    assert float(told.metrics["loss"]) == pytest.approx(formula(1.5, expected), rel=1e-6)
    # The gradient by each weight, with that of the loss, which is 1 everywhere, by finite differences.
    assert told.gradient is not None
    step, name = 1e-6, next(iter(logits))
    for option in range(2):
        ends: list[float] = []
        for sign in (-1, 1):
            weights = {key: each.detach().clone() for key, each in mixture.weights.items()}
            weights[name][option] += sign * step
            ends.append(formula(1.5 + sign * step, float(cost.expected(nw.Mixture(weights))["macs"])))
        assert float(told.gradient[name][option]) == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("limit", ["macs <= 90k", "params <= 6k", "macs >= 150k"])
def test_a_limit_is_reached_whatever_the_loss_is_worth(limit: str) -> None:
    """Losses of very different sizes that lead the other way: to the dearest option, or to the cheapest."""
    cost = Cost(SPACE, SHAPE)
    asked = nw.Constraint.parse(limit)
    for size in (0.1, 10.0):
        logits = {name: torch.zeros_like(each).requires_grad_() for name, each in logits_of(0).items()}
        # none, skip, 1x1, 3x3, pooling
        liked = torch.tensor([0, 0, 0.5, 1, 0.2], dtype=torch.float64) * (1 if asked.relation == "<=" else -1)
        term, optimiser = Limit.of_constraint(asked), torch.optim.Adam(logits.values(), 0.05, betas=(0.5, 0.999))
        term.begin(250)
        for _ in range(250):
            mixture = mixture_of(logits)
            loss = size * sum((each * (1 - liked)).sum() for each in mixture.weights.values())
            value = term.value(mixture, cost)
            optimiser.zero_grad()
            term.joined(loss, value).backward()  # pyright: ignore
            term.learn(float(value))
            optimiser.step()
        ended = float(cost.expected(mixture_of(logits))[asked.metric])
        missed = (ended - asked.limit) / asked.limit * (1 if asked.relation == "<=" else -1)
        assert missed < 0.05, f"{limit}, a loss of size {size}: {ended:,.0f}"


def test_darts_keeps_a_limit_and_goes_on_as_it_would_have(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    task = nw.tasks.arrays(rng.integers(0, 255, size=(96, 8, 8, 3)).astype(np.uint8), np.arange(96) % 4)
    cost = Cost(SPACE, task.shape)

    def search() -> nw.Search:
        made = darts(SPACE, task, epochs=3, batch_size=16, architecture_rate=0.05, device="cpu", alarms=False)
        return made.replace(constraints=("macs <= 60k",))

    whole = search().run(store=tmp_path / "whole", name="r")
    assert cost.figures(whole.best.architecture)["macs"] <= 60_000
    epochs = [each for each in whole.trials if each.proposal.is_round]
    assert epochs[-1].metrics["expected_macs"] < epochs[0].metrics["expected_macs"]

    class Enough(Exception):
        pass

    def stop(trial: nw.Trial) -> None:
        if trial.number == 1:
            raise Enough

    with pytest.raises(Enough):
        search().run(store=tmp_path / "cut", name="r", on_trial=stop)
    again = search().run(store=tmp_path / "cut", name="r", resume=True)
    assert [each.metrics.get("expected_macs") for each in again.trials] == [
        each.metrics.get("expected_macs") for each in whole.trials
    ]
    assert again.best.architecture == whole.best.architecture
    with Store.open_readonly(tmp_path / "cut") as store:
        assert store.read_run("r").best is not None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Limit("macz", 1), "did you mean 'macs'"),
        (lambda: Limit("macs", 0), "above 0"),
        (lambda: Limit("macs", 1, "<"), "relation"),
        (lambda: Band("macs", "30M", -1), "weight is -1"),
        (lambda: LogProduct("macs", alpha=0), "alpha is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make()
