"""Methods of papers, as whole searches: several workers, trials that fail, limits, and resuming."""

from functools import partial

import pytest
from free_search import Cell, Nested

import netwright as nw
from netwright.executors import Simulated
from netwright.methods import bayesian as named
from netwright.testing import check_strategy

SMALL = {
    "nasbot": partial(named.nasbot, initial=5, batch=3, candidates=20),
    "gp_nas": partial(named.gp_nas, initial=5, batch=3, candidates=30),
    "auto_keras": partial(named.auto_keras, initial=5, batch=6),
    "predictor": partial(named.predictor, initial=6, batch=4, candidates=30, epochs=2),
}
SPACE = nw.spaces.NasBench201()


@pytest.mark.parametrize("name", SMALL)
def test_it_keeps_to_the_protocol(name):
    check_strategy(SMALL[name], Cell(3), trials=8)
    check_strategy(SMALL[name], Nested(), trials=6)


def measured(architecture):
    """One in ten fails, some are too large, and they take unequally long."""
    if architecture.point[0] == architecture.point[5] + 2:
        raise RuntimeError("no such network")
    total = float(sum(architecture.point))
    return {"score": total, "size": float(architecture.point[1]), "cost_seconds": 1.0 + total}


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("name", SMALL)
def test_workers_failures_and_limits(name, workers):
    made = SMALL[name](SPACE)
    search = nw.Search(made, nw.estimators.Function(measured), "score", constraints="size <= 3", seed=0)
    run = search.run(trials=18, executor=Simulated(workers))
    assert len({trial.architecture.point for trial in run.trials}) == len(run.trials) >= 18
    assert {"completed"} < {trial.state for trial in run.trials} <= {"completed", "error", "infeasible"}
    assert run.best.metrics["size"] <= 3


@pytest.mark.parametrize("name", SMALL)
def test_a_search_goes_on_as_if_it_had_not_been_stopped(name, tmp_path):
    def search():
        return nw.Search(SMALL[name](SPACE), nw.estimators.Function(measured), "score", seed=1)

    whole = search().run(trials=12)
    search().run(trials=8, store=tmp_path, name="run")
    resumed = search().run(trials=12, store=tmp_path, name="run", resume=True)
    assert [each.architecture for each in resumed.trials] == [each.architecture for each in whole.trials]
