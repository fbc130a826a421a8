"""Limits are set against the space before shared weights are trained, and before anything else that costs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.cli.flags import in_flags
from netwright.cli.main import run
from netwright.core.descent import descended
from netwright.core.errors import UserError
from netwright.core.objective import Constraint
from netwright.engine.bounds import limits_as_told
from netwright.engine.preflight import preflight
from netwright.engine.preflight.feasibility import check_limits, excess
from netwright.engine.preflight.sample import Counted
from netwright.estimators import Cost, SharedWeights

SHAPE = nw.TaskShape((6,), 3)
generator = np.random.default_rng(0)
TASK = nw.tasks.arrays(generator.normal(size=(60, 6)).astype("float32"), np.arange(60) % 3)
LEAST, MOST = 21, 21 + 12 * 42


class Layers(nw.DecisionSpace):
    """Twelve layers, each there or not: 4,096 networks of 21 to 525 parameters."""

    traced_shape = SHAPE
    additive_cost: ClassVar[bool] = True

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {"linear": lambda: nn.Linear(6, 6), "skip": nn.Identity}
        layers = [choose.one(f"layer{i}", kinds) for i in range(12)]
        return nn.Sequential(*layers, nn.Linear(shape.features, shape.classes))


class Forbidden(SharedWeights):
    """Fails where anything is trained."""

    def begin(self, seed: int) -> None:
        raise AssertionError("the shared weights were made")


def sample(*limits: str, samples: int = 200) -> Counted:
    space = Layers()
    parsed = limits_as_told([], [Constraint.parse(each) for each in limits])
    return Counted(Cost(space, SHAPE), space, parsed, np.random.default_rng(0), samples)


def one_shot(*limits: str, evaluations: int = 1000) -> nw.Search:
    space = Layers()
    made = nw.methods.single_path_one_shot(space, TASK, epochs=1, device="cpu")
    strategy = made.strategy.replace(evaluations=evaluations)
    return nw.Search(strategy, Forbidden(space, TASK, epochs=1, device="cpu"), constraints=limits)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (["params <= 20"], r"no network keeps the limit params <= 20: the smallest of .* leads to 21; params <= 21 is"),
        (["params >= 526"], r"the largest of .* leads to 525; params >= 525 is the nearest limit that can be kept"),
        (["params <= 100", "macs <= 1"], r"no network keeps the limit macs <= 1: .* leads to 18; macs <= 18 is"),
        (["activation_memory <= 1"], r"no network keeps the limit activation_memory <= 1: "),
        (["params <= 100", "macs >= 400"], r"no network was found that keeps params <= 100 and macs >= 400 together"),
    ],
)
def test_limits_that_no_network_keeps_are_refused_before_weights_are_trained(
    tmp_path: Path, limits: list[str], message: str
) -> None:
    for refused in (lambda: one_shot(*limits).run(store=tmp_path), lambda: check_limits(sample(*limits))):
        with pytest.raises(UserError, match=message) as raised:
            refused()
        assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_limits_that_hardly_a_network_keeps_are_a_warning_since_those_that_do_are_found() -> None:
    with pytest.warns(
        UserWarning, match=r"none of \d+ random networks keeps the limits params <= 21; few networks of this space do"
    ):
        told_of("params <= 21")
    assert (
        "random networks keeps the limits params <= 21; few networks of this space do"
        in check_limits(sample("params <= 21"))[0]
    )
    with pytest.warns(UserWarning, match=r"only \d+ of \d+ random networks keep params <= 110"):
        told_of("params <= 110")


def told_of(*limits: str) -> None:
    search = one_shot(*limits)
    with pytest.raises(AssertionError, match="the shared weights were made"):
        preflight(search)


def test_limits_that_many_keep_are_no_matter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told_of("params <= 300")
        told_of("val_accuracy >= 0.9")
    assert check_limits(sample("params <= 300")) == check_limits(sample()) == []


def test_the_proposed_limit_is_one_that_a_twentieth_keeps() -> None:
    (told,) = check_limits(sample("params <= 110"))
    proposed = Constraint.parse(told.rpartition("one in 20 keeps ")[2])
    share = np.mean([proposed.holds(each) for each in sample("params <= 110").counted.values()])
    assert 0.05 <= share < 0.2 and in_flags(told).endswith(f"--max-params {proposed.limit:.0f}")


def test_small_spaces_are_counted_whole_and_the_ways_end_at_the_extremes() -> None:
    whole = sample("params <= 21", samples=5000)
    assert whole.whole and len(whole.counted) == 4096 and check_limits(whole) == []
    few = sample(samples=20)
    for sign, end in ((1, LEAST), (-1, MOST)):
        found = descended(
            next(iter(few.counted)), lambda each, sign=sign: sign * few.figures(each)["params"], generator
        )
        assert found.ended and few.figures(found.architecture)["params"] == end
    assert not descended(next(iter(few.counted)), lambda each: few.figures(each)["params"], generator, until=0.0).ended


def test_excess_counts_shares_of_limits() -> None:
    limits = [Constraint("params", 100), Constraint("macs", 50, ">=")]
    assert excess(limits, {"params": 100, "macs": 50}) == 0
    assert excess(limits, {"params": 150, "macs": 25}) == pytest.approx(1.0)


def test_a_gradient_keeps_limits_and_is_refused_those_that_no_network_keeps() -> None:
    space = nw.spaces.NasBench201(channels=4, cells=1)
    search = nw.methods.darts(space, nw.tasks.digits(limit=100), epochs=1)
    found = search.replace(constraints="params <= 5k").run()
    assert found.best.metrics["params"] <= 5000
    with pytest.raises(UserError, match="params <= 1,000"):
        search.replace(constraints="params <= 1k").run()


@pytest.mark.parametrize("name", ["asng", "mdenas", "gdas", "snas", "proxylessnas", "pdarts", "robust_darts"])
def test_all_that_follow_a_mixture_keep_limits(name: str) -> None:
    space = nw.spaces.Darts(cells=2, channels=2) if name == "pdarts" else nw.spaces.NasBench201(channels=4, cells=1)
    search = getattr(nw.methods, name)(space, nw.tasks.digits(limit=120), epochs=2)
    free = search.estimator.cost.of_uniform["macs"]
    found = search.replace(constraints=f"macs <= {0.8 * free:.0f}").run()
    assert found.best.completed and found.best.metrics["macs"] <= 0.8 * free


def test_the_command_names_its_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", "digits", "--examples", "100", "--recipe", "single-path-one-shot", "--epochs", "1"]
    space = ["--space", "nasbench201:channels=4,cells=1", "--dir", str(tmp_path / "p"), "--max-params", "1k"]
    assert run([*words, *space]) == 2
    told = capsys.readouterr().err
    assert "no network keeps the limit params <= 1,000" in told and "--max-params " in told and told.count("\n") == 1
    assert not (tmp_path / "p").exists()
