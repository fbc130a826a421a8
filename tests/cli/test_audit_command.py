from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from netwright.cli.audit import audit_run
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, UserError
from netwright.engine import Search
from netwright.estimators import Function, SharedWeights
from netwright.strategies import RandomSearch
from netwright.strategies.paths import UniformPaths
from netwright.tasks import open_task

DEFAULTS = {
    "networks": 3,
    "epochs": 1,
    "time": None,
    "table": None,
    "metric": None,
    "seed": 0,
    "as_json": False,
    "quiet": True,
}


class Two(DecisionSpace):
    def network(self, choose, shape):
        layer = choose.one("op", {"skip": nn.Identity, "conv": lambda: nn.Conv2d(shape.channels, shape.channels, 1)})
        return nn.Sequential(layer, nn.Flatten(), nn.Linear(shape.features, shape.classes))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"networks": 0}, "--networks 0"),
        ({"epochs": 0}, "--epochs 0"),
        ({"where": {"workers": 2, "executor": "inline"}}, "one trial at a time"),
        ({"where": {"workers": 0}}, "--workers 0"),
        ({"metric": "accuracy"}, "go together"),
        ({"table": Path("a.csv")}, "go together"),
    ],
)
def test_options_are_checked_before_anything_is_read(tmp_path, wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        audit_run(tmp_path / "none", None, **{**DEFAULTS, **wrong})


def test_a_project_without_shared_weights_has_nothing_to_audit(tmp_path):
    Search(RandomSearch(Two()), Function(lambda _: 1.0, "val_accuracy")).run(trials=2, store=tmp_path)
    with pytest.raises(UserError, match=r"no run in .* trained shared weights"):
        audit_run(tmp_path, None, **DEFAULTS)


def test_the_latest_run_with_shared_weights_is_meant_and_one_made_from_python_is_audited_there(tmp_path):
    estimator = SharedWeights(Two(), open_task("digits", limit=100), epochs=1, batch_size=20, device="cpu")
    Search(UniformPaths(Two()), estimator).run(store=tmp_path, name="shared")
    Search(RandomSearch(Two()), Function(lambda _: 1.0, "val_accuracy")).run(trials=2, store=tmp_path, name="later")
    with pytest.raises(UserError, match="run 'shared' was made from Python"):
        audit_run(tmp_path, None, **DEFAULTS)
