"""How runs, trials and architectures look at a prompt and in a notebook."""

from __future__ import annotations

import builtins

import pytest
from search_parts import Cell, Counting, Sampling
from torch import nn

import netwright as nw
from netwright.core.errors import UserError
from netwright.core.trial import Proposal, Trial
from netwright.engine import Search

RUN = Search(Sampling(Cell()), Counting()).run(trials=5)


class Labels(nw.DecisionSpace):
    def network(self, choose, shape):
        choose.value("<b>", ["<script>alert(1)</script>", "&"])
        return nn.Linear(shape.features, shape.classes)


def test_a_run_says_its_best_value_in_one_line() -> None:
    text = repr(RUN)
    assert "\n" not in text and f"val_accuracy {RUN.best.metrics['val_accuracy']:.4g} (trial {RUN.best.number})" in text


@pytest.mark.parametrize("trial", RUN.trials)
def test_a_trial_is_one_short_line(trial: Trial) -> None:
    text = repr(trial)
    assert text.startswith(f"Trial({trial.number} completed: ") and "\n" not in text and len(text) < 300
    assert f"val_accuracy {trial.metrics['val_accuracy']:.4g}" in text


def test_a_failed_trial_says_why() -> None:
    text = repr(Trial(3, Proposal(Labels().at(0)), "error", reason="ValueError: no"))
    assert text.startswith("Trial(3 error: ValueError: no; ")


def test_a_notebook_gets_escaped_tables() -> None:
    architecture = Labels().at(0)
    trial = Trial(0, Proposal(architecture), "error", reason="<i>")
    for shown in (architecture, trial, RUN):
        found = shown._repr_html_()
        assert "<table>" in found and "<script" not in found and "<i>" not in found and "<b>" not in found
    assert "&lt;script&gt;" in architecture._repr_html_()


def test_a_run_without_pandas_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def without(name, *rest, **more):
        if name == "pandas":
            raise ImportError(name)
        return usual(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"python.* -m pip install pandas"):
        RUN.frame()


def test_a_frame_has_a_row_for_each_trial() -> None:
    pytest.importorskip("pandas")
    frame = RUN.frame()
    assert list(frame["trial"]) == [0, 1, 2, 3, 4] and "val_accuracy" in frame.columns
