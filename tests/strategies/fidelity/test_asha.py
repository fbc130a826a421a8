"""ASHA against its definition: after any number of answers, what is promoted is among the best 1/eta of its rung."""

from __future__ import annotations

import numpy as np
import pytest
from fidelity_parts import CELL, Known

import netwright as nw
from netwright.core.trial import Measurement, Trial
from netwright.executors.simulated import Simulated
from netwright.methods import bohb
from netwright.strategies import Asha, RegularizedEvolution
from netwright.testing import check_strategy


def expected_promotion(rungs, promoted, eta):
    """Algorithm 2 of the paper, naively: the trial to promote and the rung that it leaves; None for a new candidate."""
    for k in range(len(rungs) - 2, -1, -1):
        best = sorted(rungs[k], key=lambda pair: (-pair[1], pair[0]))[: int(len(rungs[k]) / eta)]
        for number, score in best:
            if number not in promoted and score > -np.inf:
                return k, number
    return None


@pytest.mark.parametrize("eta", [2, 3])
@pytest.mark.parametrize("slots", [1, 5])
def test_each_decision_is_that_of_the_algorithm(eta: int, slots: int) -> None:
    strategy, rng = Asha(CELL, least=eta**-3, eta=eta), np.random.default_rng(1)
    shares = [eta**-k for k in (3, 2, 1, 0)]
    rungs, promoted, pending = [[] for _ in shares], set(), []
    for number in range(250):
        expected = expected_promotion(rungs, promoted, eta)
        proposal = strategy.ask(rng)
        rung = min(range(4), key=lambda k: abs(shares[k] - proposal.fidelity))
        if expected is None:
            assert rung == 0 and proposal.parent is None
        else:
            assert (rung - 1, proposal.parent) == expected
            promoted.add(expected[1])
        pending.append((number, rung, proposal))
        if len(pending) == slots:
            number, rung, proposal = pending.pop(int(rng.integers(slots)))
            failed = rng.random() < 0.1
            score = -np.inf if failed else float(rng.random())
            rungs[rung].append((number, score))
            state = "error" if failed else "completed"
            strategy.tell(Trial(number, proposal, state, Measurement({}), () if failed else (score,)))
    assert len(rungs[3]) > 2


def test_no_worker_ever_waits() -> None:
    """Simulated: 8 workers for so many seconds do 8 times the work of one, but for what is under way at the end."""
    search = nw.Search(Asha(CELL, least=1 / 9), Known())
    one, eight = (search.run(time=900, executor=Simulated(workers)) for workers in (1, 8))
    done = [sum(trial.metrics["cost_seconds"] for trial in run.trials if trial.completed) for run in (one, eight)]
    assert done[0] > 880 and done[1] > 0.93 * 8 * 900
    halving = nw.Search(nw.strategies.Hyperband(CELL, least=1 / 9), Known()).run(time=900, executor=Simulated(8))
    synchronous = sum(trial.metrics["cost_seconds"] for trial in halving.trials if trial.completed)
    overlapping = nw.Search(bohb(CELL, least=1 / 9), Known()).run(time=900, executor=Simulated(8))
    assert synchronous < 0.9 * done[1]
    assert sum(trial.metrics["cost_seconds"] for trial in overlapping.trials if trial.completed) > 0.9 * 8 * 900


@pytest.mark.parametrize(
    "make", [Asha, lambda space: Asha(space, sampler=RegularizedEvolution(space, population=5, tournament=2))]
)
def test_it_is_a_strategy(make) -> None:
    check_strategy(make, trials=24)
