"""Metrics of a problem by their own names, in objectives and limits: validation examples are meant."""

from __future__ import annotations

import netwright as nw
from netwright.core.objective import Constraint
from netwright.estimators.training import Training

DIGITS = nw.tasks.digits(limit=60)
SPACE = nw.spaces.Mlp()


def search(**options: object) -> nw.Search:
    return nw.Search(nw.strategies.RandomSearch(SPACE), Training(SPACE, DIGITS, epochs=1, device="cpu"), **options)  # type: ignore[arg-type]


def test_an_objective_may_leave_val_out() -> None:
    assert [str(each) for each in search(objective=["balanced_accuracy", "log_loss"]).objectives] == [
        "val_balanced_accuracy:maximize",
        "val_log_loss:minimize",
    ]


def test_a_limit_may_leave_val_out() -> None:
    found = search(constraints=["auroc >= 0.1", "params <= 1M"])
    assert found.limits == (Constraint("val_auroc", 0.1, ">="), Constraint("params", 1e6, "<="))
    run = found.run(trials=1, progress=False, preflight=False)
    assert "val_auroc" in run.best.metrics
