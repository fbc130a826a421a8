"""What a notebook shows: drawings beside tables, and tables alone where nothing can be drawn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from torch import nn

from netwright import Choose, DecisionSpace, Search, TaskShape
from netwright.core.display import drawn, html_lines
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.spaces import Darts, Mlp, NasBench201
from netwright.strategies import RandomSearch


class Counted(Estimator):
    metrics = ("val_accuracy",)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": str(proposal.candidate).count("conv") / 7})


class Broken(DecisionSpace):
    """Its networks cannot be run."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        choose.value("width", [1, 2])
        return nn.Linear(7, 7)


@pytest.mark.parametrize("space", [NasBench201(), Darts(), Mlp()], ids=lambda each: each.name)
def test_architectures_trials_and_spaces_are_drawn(space: DecisionSpace) -> None:
    architecture = space.sample(np.random.default_rng(0))
    trial = Trial(3, Proposal(architecture), "completed", Measurement({"val_accuracy": 0.5}))
    for shown in (architecture, trial, space):
        html = shown._repr_html_()
        assert html.count("<svg") == 1 and "<table>" in html and "<script" not in html
        assert repr(shown)  # the text beside it


def test_a_run_shows_its_best_trial() -> None:
    run = Search(RandomSearch(NasBench201()), Counted()).run(trials=6)
    html = run._repr_html_()
    assert f"<p>trial {run.best.number}:</p><svg" in html and drawn(run.best.architecture) in html


def test_what_cannot_be_drawn_is_a_table() -> None:
    architecture = Broken().at(0)
    assert drawn(architecture) == "" and "<table>" in architecture._repr_html_()


def test_lines_are_text() -> None:
    assert html_lines(["a  <b>", "\x1b[1m"]) == "<pre>a  &lt;b&gt;\n\\x1b[1m</pre>"


def test_nothing_that_draws_is_imported_before_somebody_looks() -> None:
    code = "import sys, netwright, netwright.spaces as s; s.Mlp(); print('netwright.drawings' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
