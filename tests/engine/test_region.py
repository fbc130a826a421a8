"""What breaks a limit that is known beforehand is led to the nearest architecture that keeps it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.core.descent import descended
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.objective import Constraint
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine.region import Region
from netwright.estimators import Cost, Function, Stack
from netwright.results.baselines import draw_picks
from netwright.store import Store
from netwright.strategies import (
    BayesianOptimization,
    GeneticAlgorithm,
    Hyperband,
    LocalSearch,
    QLearning,
    Race,
    RandomSearch,
    RegularizedEvolution,
    TreeParzen,
)

SHAPE = nw.TaskShape((6,), 3)


class Layers(nw.DecisionSpace):
    """Twelve layers, each of 42 parameters, of 474, or not there: 21 parameters in the least."""

    traced_shape = SHAPE
    additive_cost: ClassVar[bool] = True

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {
            "linear": lambda: nn.Linear(6, 6),
            "wide": lambda: nn.Sequential(nn.Linear(6, 36), nn.Linear(36, 6)),
            "skip": nn.Identity,
        }
        layers = [choose.one(f"layer{i}", kinds) for i in range(12)]
        return nn.Sequential(*layers, nn.Linear(shape.features, shape.classes))


SPACE = Layers()
COST = Cost(SPACE, SHAPE)
LINEAR, LEAST = 42, 21


def region(*limits: str, **options: Any) -> Region:
    return Region(SPACE, [COST], [Constraint.parse(each) for each in limits], **options)


def params(architecture: Any) -> int:
    return COST.figures(architecture)["params"]


def drawn(count: int) -> list[nw.Architecture]:
    rng = np.random.default_rng(0)
    return [SPACE.sample(rng) for _ in range(count)]


def test_a_descent_ends_where_no_single_change_is_better() -> None:
    found = descended(drawn(1)[0], lambda each: float(params(each)), np.random.default_rng(0))
    assert (found.value, found.ended) == (LEAST, True)
    enough = descended(drawn(1)[0], lambda each: float(params(each)), np.random.default_rng(0), enough=300)
    assert LEAST < enough.value <= 300
    assert not descended(drawn(1)[0], lambda each: float(params(each)), np.random.default_rng(0), until=0.0).ended


class Widths(nw.DecisionSpace):
    """Eight layers of 1 to 500 features."""

    traced_shape = SHAPE

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        widths = [shape.features, *(choose.value(f"width{i}", range(1, 501)) for i in range(8)), shape.classes]
        return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))


def test_of_many_options_a_descent_looks_at_a_few() -> None:
    """The distance of each width from a number of its own, whose least no end of the options has."""
    space, wanted, looked = Widths(), [3, 500, 77, 256, 1, 401, 130, 12], []

    def value(each: nw.Architecture) -> float:
        looked.append(each)
        return float(sum(abs(option + 1 - goal) for option, goal in zip(each.point, wanted, strict=True)))

    found = descended(space.sample(np.random.default_rng(1)), value, np.random.default_rng(0))
    assert found.value == 0 and len(looked) < 1500  # all options of one architecture are 4,000


def test_where_sizes_are_many_the_smallest_network_is_looked_at_first() -> None:
    space = Widths()
    cost = Cost(space, SHAPE)
    found = Region(space, [cost], [Constraint.parse("params <= 60")], seconds=0.2)
    assert found.find() and all(cost.figures(each)["params"] <= 60 for each in found.known)
    asked = space.sample(np.random.default_rng(3))
    led = found.within(Proposal(asked), 0)
    assert led.instead_of == asked and cost.figures(led.candidate)["params"] <= 60  # pyright: ignore


@pytest.mark.parametrize("accept", [lambda _: False, lambda _: 1 / 0], ids=["breaks", "cannot be looked up"])
def test_a_random_pick_that_breaks_a_limit_is_not_built(accept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []
    monkeypatch.setattr(Widths, "build", lambda *_: built.append(1))
    with pytest.raises(UserError, match="in 1,000 draws"):
        draw_picks(Widths(), Widths().at(0), nw.tasks.open_task("digits", limit=60), (0,), accept)
    assert not built


def test_what_keeps_the_limits_is_tried_as_it_is() -> None:
    asked = Proposal(SPACE.architecture({f"layer{i}": "skip" for i in range(12)}))
    assert region("params <= 21").within(asked, 0) is asked
    assert region("val_accuracy >= 0.9").within(Proposal(drawn(1)[0]), 0).instead_of is None  # nobody knows it before
    assert not region("val_accuracy >= 0.9").active


def test_what_breaks_a_limit_is_changed_as_little_as_that_takes() -> None:
    """One layer fewer at a time: with the limit one layer below, one decision differs and no more."""
    found = region(f"params <= {LEAST + 5 * LINEAR}")
    asked = SPACE.architecture({f"layer{i}": "linear" if i < 6 else "skip" for i in range(12)})
    tried: Any = found.within(Proposal(asked), 3)
    assert tried.instead_of == asked and tried.question == Proposal(asked)
    assert params(tried.candidate) <= LEAST + 5 * LINEAR
    assert sum(a != b for a, b in zip(asked.content, tried.candidate.content, strict=True)) <= 2


def test_limits_that_no_random_architecture_keeps_are_kept_by_each_that_is_tried_and_none_is_tried_twice() -> None:
    limits = [Constraint.parse(f"params <= {LEAST + 2 * LINEAR}"), Constraint.parse("macs >= 19")]
    assert not any(params(each) <= limits[0].limit for each in drawn(500))
    found, tried = Region(SPACE, [COST], limits), list[Any]()
    for number, each in enumerate(drawn(40)):
        tried.append(found.within(Proposal(each), number))
        found.begun(tried[-1])
    assert all(limit.holds(COST.figures(each.candidate)) for each in tried for limit in limits)
    assert len({each.candidate for each in tried}) == len(tried)


def test_where_all_that_keep_a_limit_were_tried_what_is_asked_is_tried_as_it_is() -> None:
    found = region(f"params <= {LEAST}")
    first, second = (found.within(Proposal(each), number) for number, each in enumerate(drawn(2)) if found)
    assert first.candidate == second.candidate  # nothing has begun
    found.begun(first)
    assert found.within(Proposal(drawn(1)[0]), 5).instead_of is None


def test_a_training_that_goes_on_is_that_of_what_was_tried() -> None:
    found, asked = region("params <= 200"), drawn(1)[0]
    first = found.within(Proposal(asked, fidelity=0.5), 0)
    found.begun(first)
    later = found.within(Proposal(asked, fidelity=1.0, parent=0), 1)
    assert first.instead_of == asked and later.candidate == first.candidate and later.instead_of == asked


def accuracy(architecture: nw.Architecture) -> float:
    """More layers are better, in an order that is not that of their parameters."""
    return sum((i + 1) * (label != "skip") for i, label in enumerate(architecture.decisions.values())) / 100


def search(strategy: nw.Strategy, *limits: str) -> nw.Search:
    estimator = Stack(COST, Function(accuracy, "val_accuracy"))
    return nw.Search(strategy, estimator, "val_accuracy", constraints=limits)


@pytest.mark.parametrize(
    "strategy",
    [
        RandomSearch(SPACE),
        RegularizedEvolution(SPACE, population=6, tournament=3),
        GeneticAlgorithm(SPACE, population=6, repeats=False),
        LocalSearch(SPACE),
        TreeParzen(SPACE, startup=6),
        BayesianOptimization(SPACE, initial=5),
        QLearning(SPACE),
        Hyperband(SPACE),
        Race(SPACE, seconds=None),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_strategy_keeps_limits_that_hardly_an_architecture_keeps(strategy: nw.Strategy) -> None:
    limit = LEAST + 3 * LINEAR
    run = search(strategy, f"params <= {limit}").run(trials=25, preflight=False)
    completed = [each for each in run.trials if each.completed]
    assert len(completed) >= 20 and all(each.metrics["params"] <= limit for each in completed)
    assert run.best.completed and params(run.best.architecture) <= limit


class Remembers(RandomSearch):
    """Notes what it was told about. adopts: as of `Strategy`."""

    def __init__(self, space: nw.Space, adopts: bool) -> None:
        super().__init__(space)
        self.adopts = adopts
        self.asked: list[Proposal] = []
        self.told: list[Trial] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        self.asked.append(super().ask(rng))
        return self.asked[-1]

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


@pytest.mark.parametrize("adopts", [False, True])
def test_a_strategy_is_told_as_it_asked_unless_it_adopts_what_was_tried(adopts: bool) -> None:
    run = search(Remembers(SPACE, adopts), "params <= 150").run(trials=5, preflight=False)
    strategy: Any = run.strategy
    for asked, told, trial in zip(strategy.asked, strategy.told, run.trials, strict=True):
        assert trial.proposal.instead_of == asked.candidate != trial.architecture
        assert told.architecture == (trial.architecture if adopts else asked.candidate)
        assert told.proposal.question == asked and told.scores == trial.scores


def test_a_search_with_limits_resumes_with_what_was_tried(tmp_path) -> None:
    def begun() -> nw.Search:
        return search(RegularizedEvolution(SPACE, population=5, tournament=3), "params <= 150")

    whole = begun().run(trials=24, store=tmp_path / "whole", preflight=False)
    begun().run(trials=9, store=tmp_path / "parts", preflight=False)
    resumed = begun().run(trials=24, store=tmp_path / "parts", resume=True, preflight=False)
    assert [each.architecture for each in resumed.trials[:9]] == [each.architecture for each in whole.trials[:9]]
    assert all(each.metrics["params"] <= 150 for each in resumed.trials if each.completed)
    loaded = begun().load(tmp_path / "parts")
    assert [each.proposal.instead_of for each in loaded.trials] == [each.proposal.instead_of for each in resumed.trials]
    with Store.open_readonly(tmp_path / "parts") as store:
        stored = store.read_run(store.names()[0]).trials
    led = [each for each in stored if each.instead_of is not None]
    assert led and all(SPACE.parse(each.instead_of or "") != SPACE.parse(each.text) for each in led)


class Foretold(Estimator):
    """Foretells seconds by parameters, half of what is measured; and measures them."""

    metrics = ("foretold",)
    analytic = True
    foretells: ClassVar[dict[str, str]] = {"measured": "foretold"}
    space = SPACE

    def room(self, limit: Constraint) -> tuple[float, float]:
        return 0.9, 2.0

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"foretold": params(proposal.candidate) / 1000})


def test_what_is_measured_corrects_what_is_foretold() -> None:
    measured = Function(lambda each: {"measured": params(each) / 600, "val_accuracy": accuracy(each)})
    made = nw.Search(
        RandomSearch(SPACE), Stack(Foretold(), measured), "val_accuracy", constraints="measured <= 0.3", seed=1
    )
    trials = made.run(trials=20, preflight=False).trials
    late = [each for each in trials if each.number >= 6]
    assert any(each.state == "infeasible" for each in trials[:6])  # foretold 0.27, measured up to 0.45
    assert len(late) > 10 and all(each.completed for each in late)


def test_the_nearest_is_named_where_nothing_keeps_the_limits() -> None:
    with pytest.raises(
        UserError, match=r"smallest params found \d+, limit .*the nearest that was found has params 21: "
    ):
        search(RandomSearch(SPACE), "params <= 20").run(trials=5, preflight=False)
