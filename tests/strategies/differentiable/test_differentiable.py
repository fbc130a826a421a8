"""The strategy: what it asks, in which order, and that it learns what a plain loop would."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from bilevel import Bilevel, Cell, drive, rng_of
from torch import Tensor

from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import ConfigurationError, StopSearch, UserError
from netwright.core.space import Space
from netwright.core.trial import Measurement, Trial
from netwright.spaces import Chain, Darts, NasBench201, NasNet
from netwright.strategies.differentiable import (
    Adam,
    BinaryGates,
    Differentiable,
    EigenvalueMonitor,
    Experts,
    GroupedDropout,
    GumbelSoftmax,
    OneHot,
    Proximal,
    RandomPerturbation,
    Rectified,
    Relaxation,
    Schedule,
    Sigmoid,
    Softmax,
    StraightThrough,
)
from netwright.strategies.differentiable.relaxation import Situation
from netwright.testing.small_spaces import Layers, Only


def purposes(problem: Bilevel) -> list[str]:
    return [each.purpose for each in problem.asked]


@pytest.mark.parametrize(
    ("level", "cycle"),
    [("two", ["probe", "train"]), ("one", ["train"]), ("mixed", ["rehearse", "probe", "train"])],
)
def test_what_is_asked_in_turn(level: str, cycle: list[str]) -> None:
    problem = Bilevel(Cell(), epochs=2, steps=3)
    evaluated = drive(Differentiable(Cell(), level=level), problem)
    assert purposes(problem) == cycle * 6
    assert len(evaluated) == 1


def test_only_what_moves_the_logits_asks_for_gradients() -> None:
    problem = Bilevel(Cell(), epochs=1, steps=2)
    drive(Differentiable(Cell()), problem)
    for proposal in problem.asked:
        assert isinstance(proposal.candidate, Mixture)
        wanted = [w.requires_grad for w in proposal.candidate.weights.values()]
        assert all(wanted) if proposal.purpose == "probe" else not any(wanted)


def test_warm_up_and_every() -> None:
    problem = Bilevel(Cell(), epochs=4, steps=3)
    drive(Differentiable(Cell(), warm_up=0.5), problem)
    assert purposes(problem) == ["train"] * 6 + ["probe", "train"] * 6
    problem = Bilevel(Cell(), epochs=4, steps=3)
    drive(Differentiable(Cell(), every=5), problem)
    assert purposes(problem) == (["train"] * 4 + ["probe", "train"]) * 2 + ["train"] * 2


def plain_loop(
    space: Space, problem: Bilevel, start: dict[str, Tensor], level: str, weight: float
) -> dict[str, Tensor]:
    """First-order DARTS or MiLeNAS written out: a tensor a decision, torch's Adam, no strategy."""
    logits = {name: value.clone().requires_grad_() for name, value in start.items()}
    optimiser = torch.optim.Adam(logits.values(), lr=0.05, betas=(0.5, 0.999), weight_decay=1e-3)

    def target(number: int, factor: int) -> float:
        return 2.0 + 0.1 * ((number * factor) % 7)

    for step in range(problem.epochs * problem.steps):
        weights = {name: value.softmax(0) for name, value in logits.items()}
        loss = problem.loss(weights, {}, target(step + 1, 5))
        if level == "mixed":
            loss = weight * loss + problem.loss(weights, {}, target(step, 3))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        fixed = {name: value.detach().softmax(0) for name, value in logits.items()}
        vector = {name: value.clone().requires_grad_() for name, value in problem.vector.items()}
        problem.vector = vector
        gradients = torch.autograd.grad(problem.loss(fixed, {}, target(step, 3)), list(vector.values()))
        problem.vector = {
            name: (value - problem.rate * gradient).detach()
            for (name, value), gradient in zip(vector.items(), gradients, strict=True)
        }
    return {name: value.detach().softmax(0) for name, value in logits.items()}


@pytest.mark.parametrize("level", ["two", "mixed"])
def test_it_learns_what_a_plain_loop_does(level: str) -> None:
    space = Cell()
    strategy = Differentiable(space, optimiser=Adam(0.05), level=level, validation_weight=0.7)
    problem = Bilevel(space, epochs=4, steps=5)
    first = strategy.ask(rng_of(7, 0))
    assert first is not None
    assert isinstance(first.candidate, Mixture)
    start = {name: weights.detach().log() for name, weights in first.candidate.weights.items()}
    # log softmax differs from the logits by a constant a row, which matters to the weight decay alone
    strategy = Differentiable(space, optimiser=Adam(0.05), level=level, validation_weight=0.7)
    logits = Softmax().initial(strategy._layout, rng_of(7, 0))
    rows = strategy._layout.rows(logits)
    assert all(torch.allclose(rows[name].log_softmax(0), start[name], atol=1e-6) for name in start)
    expected = plain_loop(space, Bilevel(space, epochs=4, steps=5), rows, level, 0.7)
    drive(strategy, problem)
    found = strategy.mixture().weights
    for name in expected:
        assert torch.allclose(found[name], expected[name], atol=1e-5)
    assert max(float(found["other"].max()), 0) > 0.4  # it has moved away from 1/3


def test_the_logits_gradient_equals_finite_differences() -> None:
    """Through the whole way: logits, mixture, the loss told, and back."""
    space = Darts()
    problem = Bilevel(space)
    strategy = Differentiable(space)
    strategy.ask(rng_of(0, 0))
    logits = torch.randn(strategy._layout.exists.shape, dtype=torch.float64)
    problem.vector = {name: value.double() for name, value in problem.vector.items()}
    problem.quality = {name: value.double() for name, value in problem.quality.items()}
    draw = Softmax().draw(_situation(strategy, logits), "learn")
    measured = problem.advance(strategy._proposal(draw, "probe", measured=True))
    assert measured.gradient is not None
    found = Softmax().gradient(draw, strategy._layout.matrix(measured.gradient, logits))

    def loss(at: Tensor) -> float:
        weights = strategy._layout.rows(at.masked_fill(~strategy._layout.exists, -torch.inf).softmax(-1))
        return float(problem.loss(weights, {}, 2.0 + 0.1 * 5))  # the target of the first probe

    for row, option in ((0, 0), (13, 7), (20, 3)):
        step = torch.zeros_like(logits)
        step[row, option] = 1e-5
        slope = (loss(logits + step) - loss(logits - step)) / 2e-5
        assert float(found[row, option]) == pytest.approx(slope, rel=1e-5, abs=1e-10)


def _situation(strategy: Differentiable, logits: Tensor) -> Situation:
    leaf = logits.clone().requires_grad_()
    return Situation(strategy._layout, leaf, strategy._layout.exists, {}, 0.0, np.random.default_rng(0))


SPACES: list[Space] = [Cell(), NasBench201(channels=4, cells=1), Darts(nodes=2), NasNet(nodes=2), Layers(3), Only()]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
def test_any_space_is_searched_to_the_end(space: Space) -> None:
    strategy = Differentiable(space)
    problem = Bilevel(space, epochs=2, steps=2)
    (trial,) = drive(strategy, problem)
    space.validate(trial.architecture)
    assert strategy.recommend([trial]) == trial.architecture
    assert strategy.recommend([]) == space.discretize(strategy.mixture())
    with pytest.raises(StopSearch, match="the weight training is over"):
        strategy.ask(rng_of(0, 99))


RELAXATIONS: list[Relaxation] = [
    Softmax(),
    Sigmoid(),
    GumbelSoftmax(),
    StraightThrough(),
    StraightThrough(Schedule(5.0, 1.0), samples=3),
    Rectified(samples=3),
    OneHot(),
    BinaryGates(),
    Proximal(),
    Experts(),
]


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=repr)
@pytest.mark.parametrize("space", [Darts(nodes=2), Layers(2)], ids=["edges", "nested"])
def test_every_relaxation_runs_on_every_kind_of_decision(relaxation: Relaxation, space: Space) -> None:
    strategy = Differentiable(space, relaxation)
    (trial,) = drive(strategy, Bilevel(space, epochs=2, steps=3))
    space.validate(trial.architecture)
    assert all(torch.isfinite(w).all() for w in strategy.mixture().weights.values())


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=repr)
def test_the_obvious_option_is_found(relaxation: Relaxation) -> None:
    space = Cell()
    level = "one" if isinstance(relaxation, (GumbelSoftmax, OneHot)) else "two"
    optimiser = None if isinstance(relaxation, Experts) else Adam(0.03, weight_decay=0.0)
    strategy = Differentiable(space, relaxation, optimiser, level=level)
    (trial,) = drive(strategy, Bilevel(space, epochs=10, steps=20, seed=3, rate=0.01))
    assert trial.scores == (1.0,)


def test_edge_weights_are_a_softmax_over_sources() -> None:
    space = Darts(nodes=2)
    strategy = Differentiable(space, optimiser=Adam(0.05), edge_weights=True)
    problem = Bilevel(space, epochs=5, steps=5)
    (trial,) = drive(strategy, problem)
    weights = strategy.mixture().weights["normal/node1/sources"]
    assert len(weights) == 3
    assert float(weights.sum()) == pytest.approx(1.0)
    best = problem.best["normal/node1/sources"]
    assert int(weights.argmax()) == best
    assert best in trial.architecture["normal/node1/sources"]  # type: ignore[operator]


def test_edge_weights_need_sources_to_choose() -> None:
    with pytest.raises(ConfigurationError, match="no decision of 'nasbench201' chooses sources"):
        Differentiable(NasBench201(), edge_weights=True)
    with pytest.raises(ConfigurationError, match="expected Softmax"):
        Differentiable(Darts(), StraightThrough(), edge_weights=True)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigurationError, match="level is 'three'"):
        Differentiable(Cell(), level="three")
    with pytest.raises(ConfigurationError, match="warm_up is 2"):
        Differentiable(Cell(), warm_up=2.0)
    with pytest.raises(ConfigurationError, match="every is 0"):
        Differentiable(Cell(), every=0)


def test_an_estimator_without_gradients_is_refused() -> None:
    strategy = Differentiable(Cell())
    proposal = strategy.ask(rng_of(0, 0))
    assert proposal is not None
    metrics = {"progress": 0.0, "epoch": 0.0, "steps": 3.0}
    with pytest.raises(UserError, match="needs an estimator with shared weights"):
        strategy.tell(Trial(0, proposal, "completed", Measurement(metrics)))


def test_it_waits_for_a_pending_round() -> None:
    strategy = Differentiable(Cell())
    assert strategy.ask(rng_of(0, 0)) is not None
    assert strategy.ask(rng_of(0, 1)) is None


def test_the_configuration_is_json_and_makes_an_equal_strategy() -> None:
    strategy = Differentiable(
        Cell(),
        GumbelSoftmax(Schedule(2.0, 0.5)),
        Adam(0.1),
        level="one",
        warm_up=0.1,
        perturbation=RandomPerturbation(),
        monitor=EigenvalueMonitor(stop=False),
        dropout=GroupedDropout(),
    )
    json.dumps(strategy.configuration(), allow_nan=False)
    assert repr(strategy.replace()) == repr(strategy)
    assert strategy.replace().space is strategy.space


def test_figures_name_what_only_the_strategy_knows() -> None:
    strategy = Differentiable(Cell(), GumbelSoftmax(Schedule(2.0, 1.0)), perturbation=RandomPerturbation())
    drive(strategy, Bilevel(Cell(), epochs=2, steps=2), epochs=1)  # figures are those of the last step: 1 of 4 done
    assert strategy.figures() == pytest.approx({"temperature": 1.75, "perturbation": 0.0975})


def test_logits_are_drawn_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    first = Differentiable(Cell(), StraightThrough())
    drive(first, Bilevel(Cell()))
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    second = Differentiable(Cell(), StraightThrough())
    drive(second, Bilevel(Cell()))
    for name, weights in first.mixture().weights.items():
        assert torch.equal(weights, second.mixture().weights[name])


def test_a_value_and_a_depth_are_mixed_like_operations() -> None:
    space = Chain()
    strategy = Differentiable(space)
    proposal = strategy.ask(rng_of(0, 0))
    assert proposal is not None
    assert isinstance(proposal.candidate, Mixture)
    assert set(proposal.candidate.weights) == {each.name for each in space.decisions}
    assert not isinstance(proposal.candidate, Architecture)
