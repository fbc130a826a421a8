"""Resuming with another space behind the same names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.core.errors import UserError
from netwright.estimators import Training
from netwright.strategies import RandomSearch

rng = np.random.default_rng(0)
TASK = nw.tasks.arrays(rng.normal(size=(60, 6)).astype("float32"), np.arange(60) % 3)


class Twice(nn.Module):
    def forward(self, x):
        return 2 * x


class Thrice(nn.Module):
    def forward(self, x):
        return 3 * x


Thrice.__qualname__ = "Twice"


def plain(choose, shape):
    w = choose.value("width", [8, 16, 32])
    act = choose.one("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
    return nn.Sequential(nn.Linear(shape.features, w), act, Twice(), nn.Linear(w, shape.classes))


def searching(network) -> nw.Search:
    kind = type("S", (nw.DecisionSpace,), {"network": lambda self, choose, shape: network(choose, shape)})
    space = kind()
    return nw.Search(RandomSearch(space), Training(space, TASK, epochs=1, batch_size=16, device="cpu"))


def deeper(choose, shape):
    network = plain(choose, shape)
    return nn.Sequential(nn.Linear(6, 6), *network)


def other_settings(choose, shape):
    network = plain(choose, shape)
    return nn.Sequential(network[0], network[1], nn.Dropout(0.5), network[3])


def another_layer_of_the_same_size(choose, shape):
    w = choose.value("width", [8, 16, 32])
    act = choose.one("act", {"relu": nn.GELU, "tanh": nn.Tanh})
    return nn.Sequential(nn.Linear(shape.features, w), act, Twice(), nn.Linear(w, shape.classes))


def other_code(choose, shape):
    network = plain(choose, shape)
    return nn.Sequential(network[0], network[1], Thrice(), network[3])


def without_bias(choose, shape):
    w = choose.value("width", [8, 16, 32])
    act = choose.one("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
    return nn.Sequential(nn.Linear(shape.features, w, bias=False), act, Twice(), nn.Linear(w, shape.classes))


@pytest.mark.parametrize("edited", [deeper, other_settings, another_layer_of_the_same_size, other_code, without_bias])
def test_an_edited_network_is_noticed(tmp_path: Path, edited) -> None:
    searching(plain).run(trials=2, store=tmp_path, name="r")
    with pytest.raises(UserError, match=r"builds another network for \{\"width\".*parameters when the run was made"):
        searching(edited).run(trials=4, store=tmp_path, name="r", resume=True)
    with pytest.raises(UserError, match="builds another network"):
        searching(edited).load(tmp_path, "r")


def test_the_same_network_is_resumed(tmp_path: Path) -> None:
    searching(plain).run(trials=2, store=tmp_path, name="r")
    run = searching(plain).run(trials=4, store=tmp_path, name="r", resume=True)
    assert run.table() == searching(plain).run(trials=4).table()


def offering(widths, acts=("relu", "tanh"), further=False):
    def network(choose, shape):
        w = choose.value("width", widths)
        kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
        act = choose.one("act", {name: kinds[name] for name in acts})
        if further:
            choose.value("further", [1, 2])
        return nn.Sequential(nn.Linear(shape.features, w), act, Twice(), nn.Linear(w, shape.classes))

    return network


@pytest.mark.parametrize(
    ("edited", "message"),
    [
        (offering([8, 16, 32, 64]), "decision 'width' has the new option 64"),
        (offering([8, 16]), "decision 'width' no longer offers 32"),
        (offering([8, 24, 32]), "'width' has the new option 24 and no longer offers 16"),
        (offering([32, 16, 8]), "'width' lists its options in another order"),
        (offering([8, 16, 32], ("relu", "tanh", "gelu")), "'act' has the new option 'gelu'"),
        (offering([8, 16, 32], further=True), "decision 'further' is new, with the options 1, 2"),
        (offering([8]), "decision 'width' is gone"),
    ],
)
def test_a_changed_option_is_named(tmp_path: Path, edited, message: str) -> None:
    searching(plain).run(trials=2, store=tmp_path, name="r")
    with pytest.raises(UserError, match=message):
        searching(edited).run(trials=4, store=tmp_path, name="r", resume=True)
