"""`netwright steer`: a running search is asked from another process, answers, and a resume knows of it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import torch

from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.cli.resuming import as_steered
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine import Search, control
from netwright.store import Store
from netwright.strategies import RandomSearch


class Wide(DecisionSpace):
    def network(self, choose: Choose, shape: object) -> torch.nn.Module:
        inputs, outputs = (choose.value(name, list(range(1, 100))) for name in ("inputs", "outputs"))
        return torch.nn.Linear(inputs, outputs)


class Slow(Estimator):
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        time.sleep(0.02)
        return Measurement({"val_accuracy": 0.5})


SEARCH = Search(RandomSearch(Wide()), Slow())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "EVERY", 0.0)


def test_it_asks_says_what_was_done_and_show_tells_it_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes: list[int] = []

    def ask() -> None:
        codes.append(run(["steer", "r", "--dir", str(tmp_path), "--trials", "500"]))
        codes.append(run(["steer", "r", "--dir", str(tmp_path), "--try", "nonsense", "--pause"]))
        codes.append(run(["steer", "r", "--dir", str(tmp_path), "--continue", "--stop"]))

    def at_first(trial: Trial) -> None:
        if trial.number == 1:
            asking.start()

    asking = threading.Thread(target=ask)
    found = SEARCH.run(1000, store=tmp_path, name="r", on_trial=at_first)
    asking.join()
    said = capsys.readouterr()
    assert found.stopped == "stopped by hand" and codes == [0, 2, 0]
    assert "r: the search ends after 500 trials" in said.out and "r: no trial begins" in said.out
    assert said.err.startswith("netwright: ") and "nonsense" in said.err
    assert run(["show", "r", "--dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "asked by command line, " in shown and "(trials 500): the search ends after 500 trials" in shown


def test_what_cannot_be_asked_is_refused_before_it_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SEARCH.run(3, store=tmp_path, name="r")
    for options, expected in (
        (["--workers", "2"], "nothing drives run 'r' now, it is finished; go on with: netwright resume r --dir"),
        ([], "nothing was asked; give --workers"),
    ):
        assert run(["steer", "r", "--dir", str(tmp_path), *options]) == 2
        assert expected in capsys.readouterr().err
    with Store(tmp_path) as store:
        store.set_state("r", "running")
        assert run(["steer", "r", "--dir", str(tmp_path), "--workers", "0"]) == 2
    assert "expected a whole number from 1" in capsys.readouterr().err and not control.waiting(tmp_path, "r")


def test_a_resume_goes_on_as_the_search_was_steered_and_says_so() -> None:
    plan = Plan("digits", trials=50, time="10m")
    steered = {"workers": 3, "trials": 80, "seconds": 500.0, "further": 120.0}
    found, said = as_steered(plan, steered)
    assert (found.workers, found.trials, found.seconds) == (3, 80, 720.0)
    assert said == "as it was steered: --workers 3, --trials 80, --time 720.000s"
    assert as_steered(plan, {}) == (plan, "") and as_steered(plan, {"trials": 50}) == (plan, "")
    assert as_steered(Plan("digits", executor="inline", trials=5), {"workers": 2})[0].executor is None
