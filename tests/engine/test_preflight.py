"""The smallest and the largest network are tried before anything is trained."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.errors import NetwrightError, OutOfMemory, SearchFailed, UserError
from netwright.engine.preflight import preflight
from netwright.estimators import Training
from netwright.store import Store
from netwright.strategies import RandomSearch, RegularizedEvolution

SHAPE = nw.TaskShape((6,), 3)
rng = np.random.default_rng(0)
TASK = nw.tasks.arrays(rng.normal(size=(60, 6)).astype("float32"), np.arange(60) % 3)


class Ending(nn.Module):
    """Passes on what it is given, but for the fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fault == "raises":
            raise ArithmeticError("no idea")
        if self.fault == "fits":
            return x @ torch.ones(5, 5, device=x.device)
        faults = {"shape": lambda: x[:, 1:], "complex": lambda: torch.complex(x, x), "detached": x.detach}
        return faults.get(self.fault, lambda: x)()


class Vectors(nw.DecisionSpace):
    """A layer of 4, 8 or 16 numbers; the widest network has the fault."""

    fault: str = ""
    widths: tuple[int, ...] = (4, 8, 16)
    traced_shape = SHAPE

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        width = choose.value("width", list(self.widths))
        ending = Ending(self.fault if width == max(self.widths) else "")
        return nn.Sequential(nn.Linear(shape.features, width), nn.ReLU(), nn.Linear(width, shape.classes), ending)


def search(space: nw.Space, task=TASK, **options) -> nw.Search:
    return nw.Search(RandomSearch(space), Training(space, task, epochs=1, batch_size=16, device="cpu"), **options)


def test_the_smallest_and_the_largest_network_run_and_are_named() -> None:
    found = preflight(search(Vectors()))
    assert found is not None and found.largest is not None
    assert (found.smallest.params, found.largest.params) == (6 * 4 + 4 + 4 * 3 + 3, 6 * 16 + 16 + 16 * 3 + 3)
    assert found.smallest.batch == 16 and found.sampled == 3 and found.warnings == ()
    line = found.lines()[0]
    assert "the smallest and the largest network of 3, of 43 and 163 parameters" in line and "on cpu" in line


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("shape", 2, r"of 163 parameters gives an output of shape \(16, 2\) .*layer '3'.*expected \(16, 3\)"),
        ("complex", 2, r"gives complex numbers \(layer '3'\)"),
        ("detached", 2, r"gives an output without a gradient \(layer '3'\)"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_before_the_run_is_made(
    tmp_path, fault: str, code: int, message: str
) -> None:
    with Store(tmp_path) as store:
        with pytest.raises(NetwrightError, match=message) as caught:
            made(fault).run(trials=1, store=store)
        assert caught.value.exit_code == code and '{"width":16}' in str(caught.value)
        assert store.names() == []


def made(fault: str) -> nw.Search:
    """A search on a space with a fault that counting its networks does not meet."""
    sound, space = search(Vectors()), Vectors(fault=fault)
    object.__setattr__(sound.estimator, "space", space)
    return sound


def test_a_limit_that_no_network_keeps_is_named_with_the_nearest(tmp_path) -> None:
    with pytest.raises(UserError, match=r"no network keeps the limit params <= 40: the smallest of 3 has 43 params"):
        search(Vectors(), constraints="params <= 40").run(trials=3, store=tmp_path)
    with pytest.raises(UserError, match=r"the largest of 3 has 163 params"):
        preflight(search(Vectors(), constraints="params >= 200"))
    assert list(tmp_path.iterdir()) == []
    kept = preflight(search(Vectors(), constraints="params <= 100"))
    assert kept is not None and kept.largest is not None and kept.largest.params == 83


class Deep(nw.DecisionSpace):
    """Nine layers, each there or not: 512 networks."""

    traced_shape = SHAPE

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {"linear": lambda: nn.Linear(6, 6), "skip": nn.Identity}
        layers = [choose.one(f"layer{i}", kinds) for i in range(9)]
        return nn.Sequential(*layers, nn.Linear(shape.features, shape.classes))


def test_a_limit_that_only_few_networks_keep_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest network of 512 is found by going on from the smallest that was drawn."""
    monkeypatch.setattr("netwright.engine.preflight.check.SAMPLES", 40)
    monkeypatch.setattr("netwright.engine.preflight.sample.CLIMBING", 100.0)
    free = preflight(search(Deep()))
    assert free is not None and free.largest is not None and free.sampled <= 40
    assert (free.smallest.params, free.largest.params) == (21, 21 + 9 * 42)
    tight = preflight(search(Deep(), constraints="params <= 21"))
    assert tight is not None and f"none of {tight.sampled} random networks keeps the limits" in tight.warnings[0]
    with pytest.raises(UserError, match=r"and changing it step by step leads to 21;"):
        preflight(search(Deep(), constraints="params <= 20"))


def test_a_largest_network_without_room_is_a_warning() -> None:
    class Wide(Training):
        def check_memory(self, architecture: nw.Architecture) -> None:
            if architecture.decisions["width"] == 16:
                raise OutOfMemory("a network needs 9 GiB, but cpu has 1 GiB")

    space = Vectors()
    found = preflight(nw.Search(RandomSearch(space), Wide(space, TASK, epochs=1, device="cpu")))
    assert found is not None and found.largest is None
    assert "of 163 parameters needs more memory than there is" in found.warnings[0]


def test_a_search_that_trains_nothing_is_not_tried() -> None:
    space = Vectors()
    free = nw.Search(RandomSearch(space), nw.estimators.Function(lambda architecture: 1.0), objective="value")
    assert preflight(free) is None


@pytest.mark.parametrize("strategy", [RandomSearch, lambda space: RegularizedEvolution(space, population=2)])
def test_a_space_of_one_network_runs_and_says_so(strategy) -> None:
    space = Vectors(widths=(4,))
    one = nw.Search(strategy(space), Training(space, TASK, epochs=1, batch_size=16, device="cpu"))
    found = preflight(one)
    assert found is not None and "the space holds one network, of 43 parameters" in found.lines()[0]
    run = one.run(trials=3)
    assert run.best.metrics["params"] == 43 and 1 <= len(run.trials) <= 3


def test_it_changes_nothing_that_is_random() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    preflight(search(Vectors()))
    assert torch.rand(1).equal(expected)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("raises", r"\(layer '3'\) with ArithmeticError: no idea"),
        ("fits", r"fails for 16 examples of shape \(6,\) \(layer '3'\) with RuntimeError: mat1 and mat2"),
    ],
)
def test_one_network_that_raises_an_error_costs_one_trial_and_is_named(tmp_path, fault: str, message: str) -> None:
    found = preflight(made(fault))
    assert found is not None and found.largest is None and found.smallest.params == 43
    (warning,) = found.warnings
    assert '{"width":16}' in warning and "restrict the space" in warning and re.search(message, warning)
    run = made(fault).run(trials=3, store=tmp_path)
    assert run.counts == {"completed": 2, "error": 1}


class Groups(nw.DecisionSpace):
    """Some widths cannot be divided into the groups."""

    widths: tuple[int, ...] = (6, 8, 12)
    groups: tuple[int, ...] = (1, 4)
    traced_shape = SHAPE

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        w, g = choose.value("w", list(self.widths)), choose.value("groups", list(self.groups))
        layers = [nn.Linear(shape.features, w), nn.GroupNorm(g, w), nn.Linear(w, shape.classes)]
        return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("widths", "groups", "failing", "named"),
    [
        ((6, 8, 12), (1, 4), 1, "those of w=6 with groups=4"),
        ((6, 8, 12), (4, 1), 1, "those of w=6 with groups=4"),
        ((12, 8, 6), (4, 1), 1, "those of w=6 with groups=4"),
        ((5, 7, 8), (1, 2, 4), 4, "those of w=5 with groups=2"),
        ((5, 8), (1, 3), 2, "those of groups=3"),
    ],
)
def test_combinations_that_cannot_be_built_are_named_and_cost_a_trial_each(tmp_path, widths, groups, failing, named):
    space = Groups(widths=widths, groups=groups)
    found = preflight(search(space))
    assert found is not None
    assert f"{failing} of {space.size} networks cannot be built" in found.warnings[0]
    assert named in found.warnings[0] and "must be divisible" in found.warnings[0]
    run = search(space).run(trials=space.size, store=tmp_path)
    assert run.counts == {"completed": space.size - failing, "error": failing}


def test_a_space_none_of_whose_networks_can_be_built_fails_with_the_first_error(tmp_path) -> None:
    with pytest.raises(SearchFailed, match=r"cannot be written down.*ValueError: num_channels .* must be divisible"):
        search(Groups(widths=(5, 7), groups=(2, 4))).run(trials=3, store=tmp_path)


class Options(nw.DecisionSpace):
    """Every option is refused where it is built."""

    traced_shape = SHAPE

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds = {"two": lambda: nn.GroupNorm(2, 6, bad=1), "four": lambda: nn.GroupNorm(4, 6)}
        return nn.Sequential(choose.one("norm", kinds), nn.Linear(6, 3))


def test_a_space_all_of_whose_options_are_refused_fails_with_the_first_error(tmp_path) -> None:
    with pytest.raises(
        SearchFailed, match=r"its first network, .*two.* fails with TypeError: .*'bad'|none of the 2 networks"
    ):
        search(Options()).run(trials=3, store=tmp_path)
    assert list(tmp_path.iterdir()) == []
