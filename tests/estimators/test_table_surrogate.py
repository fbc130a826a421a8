"""Tables of a part of a space, with a predictor made of them that answers for the rest."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError, DataError
from netwright.estimators import Table
from netwright.estimators.tables.surrogate import SURROGATES
from netwright.spaces import NasBench201

SPACE = NasBench201()


def score(architecture: nw.Architecture) -> float:
    return float(sum(option in (2, 3) for option in architecture.point))


def table(count: int = 120, **options) -> Table:
    rng = np.random.default_rng(0)
    known = list(dict.fromkeys(SPACE.canonical(SPACE.sample(rng)) for _ in range(count)))
    source = {"arch": [str(each) for each in known], "score": [score(each) for each in known]}
    return Table(SPACE, {**source, "loss": [9 - value for value in source["score"]]}, **options)


def lacking(known: Table) -> list[nw.Architecture]:
    rng = np.random.default_rng(1)
    return [each for each in (SPACE.sample(rng) for _ in range(60)) if known.place_of(each) is None]


@pytest.mark.parametrize("name", SURROGATES)
def test_what_the_table_lacks_is_predicted_and_said_so_and_rows_stay_as_they_are(name):
    known = table(surrogate=name)
    for each in known.architectures[:5]:
        assert known.estimate(nw.Proposal(each), 0).metrics == {"score": score(each), "loss": 9 - score(each)}
    new = lacking(known)
    found = [known.estimate(nw.Proposal(each), 0).metrics for each in new]
    assert all(each["is_predicted"] == 1.0 and set(each) == {"score", "loss", "is_predicted"} for each in found)
    assert np.corrcoef([each["score"] for each in found], [score(each) for each in new])[0, 1] > 0.6
    assert known.estimate(nw.Proposal(new[0]), 5).metrics == found[0]
    again = table(surrogate=name).estimate(nw.Proposal(new[0]), 0).metrics
    assert again == pytest.approx(found[0])


def test_the_rank_correlation_is_that_of_architectures_held_out():
    (line,) = table(surrogate="forest").surrogate_lines(("score",))
    assert "predicted (forest, made of the" in line and "Kendall's tau on held-out ones: score 0." in line
    rng = np.random.default_rng(0)
    known = [SPACE.at(k) for k in range(0, 15000, 150)]
    noise = Table(SPACE, {"arch": known, "score": rng.normal(size=len(known)).tolist()}, surrogate="forest")
    assert abs(noise._surrogates.of("score", 1.0).rank_correlation) < 0.2  # it would be near 1 on what it learnt
    assert table().surrogate_lines() == []


def test_a_search_runs_over_the_whole_space():
    known = table(40, surrogate="forest")
    run = nw.Search(nw.strategies.RegularizedEvolution(SPACE, 10, 3), known, "score").run(trials=60)
    assert run.counts["completed"] == 60
    assert sum(trial.metrics.get("is_predicted", 0.0) for trial in run.trials) > 30


def test_each_budget_has_its_own():
    rng = np.random.default_rng(0)
    known = list(dict.fromkeys(SPACE.canonical(SPACE.sample(rng)) for _ in range(40)))
    rows = {
        "arch": [str(each) for each in known] * 2,
        "epochs": [10.0] * len(known) + [100.0] * len(known),
        "score": [0.0] * len(known) + [score(each) + 50 for each in known],
    }
    found = Table(SPACE, rows, fidelity="epochs", surrogate="forest")
    new = lacking(found)[0]
    assert found.estimate(nw.Proposal(new, fidelity=0.1), 0).metrics["score"] == 0.0
    assert found.estimate(nw.Proposal(new), 0).metrics["score"] > 49


def test_a_comparison_reports_what_is_predicted_and_no_regret():
    problem = nw.benchmarks.Problem(table(40, surrogate="forest"), "score", "loss")
    assert problem.limits == {}
    new = lacking(problem.table)[0]
    assert problem.true_report(new, {}) == problem.table.predicted("loss", new)


def test_what_answered_is_in_the_report_that_a_comparison_writes(tmp_path):
    known = table(40, surrogate="forest")
    problem = nw.benchmarks.Problem(known, "score", "loss")
    nw.benchmarks.compare("random", problem, evaluations=2, repeats=1, folder=tmp_path).write(plots=False)
    text = (tmp_path / "report.txt").read_text()
    assert f"note: {problem.where}: architectures without a row are predicted (forest, made of the " in text
    taus = [f"{metric} {known._surrogates.of(metric, 1.0).rank_correlation:.2f}" for metric in ("score", "loss")]
    assert f"Kendall's tau on held-out ones: {', '.join(taus)}\n" in text


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: table(surrogate="forrest"), ConfigurationError, "did you mean 'forest'"),
        (lambda: table(surrogate="forest", within=True), ConfigurationError, "give one"),
        (
            lambda: (few := table(6, surrogate="linear")).estimate(nw.Proposal(lacking(few)[0]), 0),
            DataError,
            "at least 10 architectures, found",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, kind, said):
    with pytest.raises(kind, match=said):
        make()
