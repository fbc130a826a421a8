"""Limits that are changed while a search runs: all is judged anew, and what is read, resumed or loaded agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from search_parts import Cell, Climbing, Counting, Sampling

from netwright.charts.run_data import RunData
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.judged import THEN, Judgement, judged_anew
from netwright.core.objective import Constraint, Objective
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal, Trial
from netwright.engine import Interrupted, Run, Search, control
from netwright.engine.control import send
from netwright.engine.loop import Loop
from netwright.engine.session import prepared
from netwright.engine.stops import Stopper, Stops
from netwright.executors import Inline
from netwright.predictors import Linear
from netwright.store import Store
from netwright.strategies import BayesianOptimization, LocalSearch, RandomSearch, RegularizedEvolution, TreeParzen
from netwright.strategies.bayesian.beliefs import Beliefs
from netwright.strategies.fronts.lamarckian import LamarckianEvolution
from netwright.strategies.fronts.optimization import FrontOptimization

SPACE = Cell()
TIGHT, TIGHTER = "params <= 12k", "params <= 9k"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "EVERY", 0.0)
    monkeypatch.setattr("netwright.engine.record._STALE", 0.0)  # each trial is acknowledged before the next one ends


def steering(directory: Path, asked: dict[int, dict[str, object]]) -> Callable[[Trial], None]:
    """What asks after these trials for this."""

    def heard(trial: Trial) -> None:
        if trial.number in asked:
            send(directory, "r", {"ask": "limits", "by": "me", **asked[trial.number]})

    return heard


def run(directory: Path, asked: dict[int, dict[str, object]], strategy: Strategy | None = None, **more: object) -> Run:
    search = Search(strategy or Climbing(SPACE), Counting(), seed=3, **more)  # type: ignore[arg-type]
    return search.run(trials=40, store=directory, name="r", on_trial=steering(directory, asked))


def done(directory: Path) -> list[str]:
    with Store.open_readonly(directory) as store:
        return [str(each["data"]["done"]) for each in store.events("r") if each["type"] == control.EVENT]


def test_what_was_told_is_judged_by_the_new_limit_and_all_readers_agree(tmp_path: Path) -> None:
    found = run(tmp_path, {9: {"set": TIGHT}, 19: {"set": TIGHTER}})
    params = {each.number: each.metrics["params"] for each in found.trials}
    assert {each.number for each in found.trials if each.completed} == {n for n, size in params.items() if size <= 9000}
    assert {each.state for each in found.trials} == {"completed", "infeasible"}
    assert found.best.metrics["params"] <= 9000 and [str(each) for each in found.search.limits] == ["params <= 9,000"]
    assert all("breaks the limit params <= 9,000" in each.reason for each in found.trials if not each.completed)
    states = [each.state for each in found.trials]
    with Store.open_readonly(tmp_path) as store:
        data, stored = RunData.read(store, "r"), store.read_run("r")
        assert list(data.states) == states == [each.state for each in stored.trials]
        assert [str(each) for each in data.limits] == ["params <= 9,000"]
        best = store.best("r")
        assert best is not None and data.best is not None
        assert best.number == int(data.numbers[data.best]) == found.best.number
        assert store.evaluated("r") == {state: states.count(state) for state in dict.fromkeys(states)}
        assert {store.trial("r", number).state for number in range(40)} == set(states)
        assert [each.state for each in store.read_run("r", as_told=True).trials] != states, "what was told stays"
        changes = store.present_limits("r").changes
    assert [each["by"] for each in changes] == ["me", "me"]
    assert done(tmp_path)[0].startswith("the limits are now params <= 12,000; ")


def test_charts_and_the_report_say_that_limits_were_changed(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    from netwright.charts import find
    from netwright.dashboard.report.evidence import settings

    run(tmp_path, {9: {"set": TIGHT}, 19: {"set": TIGHTER}})
    with Store.open_readonly(tmp_path) as store:
        data = RunData.read(store, "r")
        (first, *_), asked = data.present.changes, dict(settings(data, None))["Asked"]
        best, failures = (find(name).figure(data) for name in ("best", "failures"))
    note = f"Limits were changed after {first['told']} and "
    assert note in best.note and note in failures.note
    rules = [each for each in best.specification["layer"] if each.get("data", {}).get("name") == "changes"]
    assert len(rules) == 1 and len(best.specification["datasets"]["changes"]) == 2
    assert asked["limits"] == "params <= 9,000" and "params <= 12,000 (me, 20" in asked["limits were changed"]


def test_a_limit_that_is_lifted_gives_back_what_was_measured_in_full(tmp_path: Path) -> None:
    found = run(tmp_path, {20: {"lift": "params"}}, Sampling(SPACE), constraints=TIGHT)
    assert all(each.completed for each in found.trials) and found.search.limits == ()
    assert found.best.metrics["params"] > 12000 or found.best.metrics["val_accuracy"] >= max(
        each.metrics["val_accuracy"] for each in found.trials
    )
    assert "there are no limits now" in done(tmp_path)[0] and "keep them now" in done(tmp_path)[0]


BAYESIAN = BayesianOptimization(SPACE, initial=6, predictor=Linear(SPACE))
STRATEGIES = [
    *(Climbing(SPACE), RegularizedEvolution(SPACE, population=8), RandomSearch(SPACE)),
    *(LocalSearch(SPACE), LocalSearch(SPACE, move="first", starts=3), TreeParzen(SPACE, startup=6), BAYESIAN),
    *(FrontOptimization(SPACE, Linear(SPACE), initial=6), LamarckianEvolution(SPACE, population=6, inherit=False)),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: type(each).__name__)
def test_resumed_and_loaded_it_is_what_it_would_have_been(tmp_path: Path, strategy: Strategy) -> None:
    """The reference asks nobody: its changes come at the places in the log at which they came here."""
    asked: dict[int, dict[str, object]] = {9: {"set": TIGHT}, 21: {"set": TIGHTER}, 29: {"lift": "params"}}

    def heard(trial: Trial) -> None:
        steering(tmp_path, asked)(trial)
        if trial.number in stops:
            stops.remove(trial.number)
            raise KeyboardInterrupt

    stops, search = [6, 12, 25, 33], Search(strategy, Counting(), seed=3)
    for resume in [False, *[True] * len(stops)]:
        try:
            found = search.run(trials=40, store=tmp_path, name="r", on_trial=heard, resume=resume)
        except Interrupted:
            continue
    with Store.open_readonly(tmp_path) as store:
        changes = store.present_limits("r").changes
    assert len(changes) == 3
    assert search.load(tmp_path, "r").table() == found.table() == without_a_stop(search, changes)
    assert found.search.load(tmp_path, "r").table() == found.table(), "also by the limits that hold in the end"


def without_a_stop(search: Search, changes: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    strategy = prepared(search)
    loop = Loop(search, strategy, Inline(), Stopper(Stops(trials=40), search.objectives))
    loop.limits.restore(changes)
    stopped = loop.run()
    return Run("r", loop.search, strategy, loop.trials, stopped=stopped).table()


def test_evolution_breeds_from_what_keeps_the_limits(tmp_path: Path) -> None:
    found = run(tmp_path, {19: {"set": TIGHTER}}, RegularizedEvolution(SPACE, population=8, repeats=True))
    later = [each for each in found.trials if each.number > 22 and each.proposal.parent is not None]
    parents = [found.trials[each.proposal.parent or 0] for each in later]
    assert later and all(each.metrics["params"] <= 9000 for each in parents)


@pytest.mark.parametrize("move", ["best", "first"])
def test_a_climb_goes_on_from_the_best_that_keeps_the_limits(tmp_path: Path, move: Any) -> None:
    found = run(tmp_path, {19: {"set": TIGHTER}}, LocalSearch(SPACE, move=move))
    later = [each for each in found.trials if each.number > 22 and each.proposal.parent is not None]
    parents = [found.trials[each.proposal.parent or 0] for each in later]
    assert later and all(each.metrics["params"] <= 9000 for each in parents)
    known = [each for each in found.trials[:20] if each.metrics["params"] <= 9000]
    assert known and parents[0].scores[0] >= max(each.metrics["val_accuracy"] for each in known)


def test_what_breaks_a_limit_now_is_not_among_the_good_ones_and_counts_again_once_it_is_lifted() -> None:
    """Densities and beliefs equal those of a strategy that heard of the limits from the beginning."""
    rng = np.random.default_rng(0)
    architectures = [SPACE.sample(rng) for _ in range(30)]
    told = [Trial(n, Proposal(each), "completed", scores=(rng.random(),)) for n, each in enumerate(architectures)]
    now = [replace(each, state="infeasible", scores=()) if each.scores[0] > 0.6 else each for each in told]

    def heard(strategy: Any, trials: Sequence[Trial]) -> Any:
        for each in trials:
            strategy._pending[SPACE.indices(each.architecture)] = each.number
            strategy._points.put(each.number, SPACE.indices(each.architecture))
            strategy.tell(each)
        return strategy

    parzen, reference = heard(TreeParzen(SPACE), told), heard(TreeParzen(SPACE), now)
    first = parzen.densities()
    parzen.judge_anew({each.number: each for each in now})
    assert parzen.densities() == reference.densities() != first
    parzen.judge_anew({each.number: each for each in told})
    assert parzen.densities() == first

    beliefs, other = Beliefs(Linear(SPACE)), Beliefs(Linear(SPACE))
    for before, after in zip(told, now, strict=True):
        beliefs.add(before)
        other.add(after)
    for each in (beliefs, other):
        each.learn((), np.random.default_rng(1))
    assert beliefs.ranked[0] != other.ranked[0]
    beliefs.judge_anew(now)
    beliefs.learn((), np.random.default_rng(1))
    assert beliefs.ranked == other.ranked and len(beliefs) == len(other)
    assert beliefs.predictor.predict(architectures).mean == pytest.approx(other.predictor.predict(architectures).mean)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"set": "parms <= 9k"}, "does not measure 'parms'; did you mean 'params'"),
        ({"set": "params >= 90k", "lift": "macs"}, "there is no limit 'macs'; the limits are: params <= 20,000"),
        ({"set": "params >= 90k"}, "no network can keep both limits"),
        ({"lift": "params <= 5"}, "there is no limit 'params <= 5'"),
        ({}, "limits was asked without set or lift"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(tmp_path: Path, asked: dict[str, object], expected: str) -> None:
    if not asked:
        with pytest.raises(UserError, match=expected):
            send(tmp_path, "r", {"ask": "limits"})
        return
    found = run(tmp_path, {9: asked}, constraints="params <= 20k")
    assert expected in done(tmp_path)[0] and done(tmp_path)[0].startswith("refused: ")
    assert [str(each) for each in found.search.limits] == ["params <= 20,000"]


def test_a_limit_takes_the_place_of_one_in_the_same_direction_and_a_metric_lifts_all_of_its_own() -> None:
    search = Search(Climbing(SPACE), Counting(), constraints=["params <= 20k", "params >= 1k"])
    assert [str(each) for each in search.limited("params <= 9k").limits] == ["params >= 1,000", "params <= 9,000"]
    assert search.limited(lifted="params").limits == ()
    assert [str(each) for each in search.limited(lifted="params >= 1k").limits] == ["params <= 20,000"]
    with pytest.raises(ConfigurationError):
        search.limited("latency_ms <= 5")


LIMIT, OBJECTIVE = Constraint.parse("params <= 10"), Objective.parse("accuracy")


@pytest.mark.parametrize(
    ("before", "metrics", "now"),
    [
        (("completed", "", (0.5,)), {"accuracy": 0.5, "params": 9.0}, ("completed", "", (0.5,))),
        (
            ("completed", "", (0.5,)),
            {"accuracy": 0.5, "params": 11.0},
            ("infeasible", LIMIT.violation({"params": 11.0}), ()),
        ),
        (("infeasible", "x", ()), {"accuracy": 0.5, "params": 9.0}, ("completed", "", (0.5,))),
        (("infeasible", "x", ()), {"params": 9.0}, ("infeasible", f"x{THEN}", ())),
        (("infeasible", "x", ()), {"accuracy": float("inf"), "params": 9.0}, ("diverged", "accuracy is inf", ())),
        (("error", "x", ()), {"accuracy": 0.5, "params": 11.0}, ("error", "x", ())),
    ],
)
def test_how_a_trial_is_judged_anew(
    before: tuple[str, str, tuple[float, ...]], metrics: dict[str, float], now: tuple[str, str, tuple[float, ...]]
) -> None:
    assert judged_anew(Judgement(*before), metrics, [OBJECTIVE], [LIMIT]) == now


def test_searches_on_shared_weights_refuse_what_they_cannot_take_in_words(tmp_path: Path) -> None:
    import netwright as nw
    from netwright.catalogue import load
    from netwright.testing.small_spaces import Layers

    def ask(trial: Trial) -> None:
        if trial.number == 0:
            for request in ({"ask": "limits", "set": "params <= 9k"}, {"ask": "workers", "count": 2}):
                send(tmp_path, "r", request)
            send(tmp_path, "r", {"ask": "stops", "time": "10m"})

    task = nw.tasks.open_task("digits", limit=60)
    search = load("search", "darts")(Layers(2), task, epochs=2, batch_size=20, device="cpu", alarms=False)
    search.run(time="5m", store=tmp_path, name="r", on_trial=ask)
    shared = "refused: this search trains weights that all networks share"
    assert done(tmp_path) == [
        f"{shared} within its limits; they stay as they are",
        f"{shared}, in one process; it takes no other number of workers",
        "the search ends after 10m",
    ]
