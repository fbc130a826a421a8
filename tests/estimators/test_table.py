"""Tables of known results as an estimator: what is looked up, what is refused, and what identifies them."""

import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest

from netwright.core.architecture import Mixture
from netwright.core.errors import DataError, TrialFailed, UserError
from netwright.core.trial import Proposal
from netwright.engine.search import Search
from netwright.estimators import Table
from netwright.spaces import Chain, NasBench201, NasBenchMacro
from netwright.strategies import RegularizedEvolution
from netwright.testing import check_estimator

SPACE = NasBenchMacro()  # 6,561 architectures of eight digits
DATA = Path(__file__).parents[3] / "shared" / "data" / "nasbench201"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the table of NAS-Bench-201 is not here")

TEXTS = ["00000000", "01201221", "22222222", "11111111"]
COLUMNS = {"arch": TEXTS, "accuracy": [50.0, 90.5, 94.0, 92.25], "train_time": [10.0, 20.0, 40.0, 30.0]}


def proposal(text, fidelity=None):
    return Proposal(SPACE.parse(text), fidelity=fidelity)


def metrics(table, text, fidelity=None, seed=0):
    return dict(table.estimate(proposal(text, fidelity), seed).metrics)


def written(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


# What is looked up.


def test_a_row_is_its_architectures_measurement():
    table = Table(SPACE, COLUMNS, cost="train_time")
    assert table.metrics == ("accuracy", "cost_seconds")
    assert metrics(table, "01201221") == {"accuracy": 90.5, "cost_seconds": 20.0}
    assert table.estimate(proposal("01201221"), 1) is table.estimate(proposal("01201221"), 2)
    check_estimator(table, SPACE, samples=0, proposals=[proposal(text) for text in TEXTS])


def test_an_object_of_numbers_is_a_table_too(tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(dict(zip(TEXTS, COLUMNS["accuracy"], strict=True))))
    table = Table(SPACE, path, metrics={"accuracy": "value"})
    assert [metrics(table, text)["accuracy"] for text in TEXTS] == COLUMNS["accuracy"]


@pytest.mark.parametrize("form", ["csv", "records", "columns", "by architecture", "lines", "parquet", "memory"])
def test_every_form_gives_the_same(form, tmp_path):
    records = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    texts = {
        "records": json.dumps(records),
        "columns": json.dumps(COLUMNS),
        "by architecture": json.dumps({each.pop("arch"): each for each in [dict(r) for r in records]}),
        "lines": "\n".join(map(json.dumps, records)),
    }
    path = tmp_path / f"table.{'json' if form in texts else form}"
    if form in texts:
        path.write_text(texts[form])
    elif form == "csv":
        written(path, COLUMNS)
    elif form == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(COLUMNS), path)
    table = Table(SPACE, COLUMNS if form == "memory" else path)
    assert [str(each) for each in table.architectures] == TEXTS
    assert table.column("accuracy").tolist() == COLUMNS["accuracy"]
    assert metrics(table, "22222222") == {"accuracy": 94.0, "train_time": 40.0}


def test_arrays_tensors_and_numbers_of_other_types():
    import torch

    table = Table(SPACE, {"arch": np.array(TEXTS), "a": np.arange(4, dtype=np.int32), "b": torch.arange(4.0)})
    assert metrics(table, "11111111") == {"a": 3.0, "b": 3.0}


def test_an_equivalent_architecture_is_found_by_its_canonical_form():
    table = Table(SPACE, {"arch": ["01001020"], "accuracy": [1.0]})
    assert metrics(table, "01001002") == {"accuracy": 1.0}  # the row itself is not in canonical form
    assert metrics(table, "01010020") == {"accuracy": 1.0}
    both = Table(SPACE, {"arch": ["01001020", "01001002"], "accuracy": [1.0, 2.0]})
    assert metrics(both, "01001002") == {"accuracy": 2.0}  # its own row comes first
    assert metrics(both, "01010020") == {"accuracy": 1.0}


def test_what_is_not_there_is_a_failed_trial():
    with pytest.raises(TrialFailed, match="has no row for 00000001"):
        Table(SPACE, COLUMNS).estimate(proposal("00000001"), 0)


def test_foreign_architectures_and_mixtures_are_refused():
    table = Table(SPACE, COLUMNS)
    with pytest.raises(UserError, match="belongs to space"):
        table.estimate(Proposal(NasBench201().at(0)), 0)
    with pytest.raises(UserError, match="mixture"):
        table.estimate(Proposal(Mixture({})), 0)
    assert table.estimate(Proposal(NasBenchMacro(channels=4).parse("11111111")), 0).metrics["accuracy"] == 92.25


def test_metrics_may_be_named_and_renamed():
    assert metrics(Table(SPACE, COLUMNS, metrics="accuracy"), "11111111") == {"accuracy": 92.25}
    renamed = Table(SPACE, COLUMNS, metrics={"val_accuracy": "accuracy"})
    assert metrics(renamed, "11111111") == {"val_accuracy": 92.25}


def test_one_column_a_decision(tmp_path):
    space = Chain()
    drawn = [space.sample(np.random.default_rng(i)) for i in range(30)]
    names = [each.name for each in space.decisions]
    columns = {name: [each.decisions.get(name, "") for each in drawn] for name in names}
    columns["loss"] = [float(i) for i in range(30)]
    for source in (columns, written(tmp_path / "table.csv", columns)):
        table = Table(space, source, duplicates="first")
        assert set(table.architectures) == set(drawn)
        assert table.estimate(Proposal(drawn[0]), 0).metrics["loss"] == 0.0
    records = [{**each.decisions, "loss": float(i)} for i, each in enumerate(drawn)]  # without what is not active
    (tmp_path / "records.json").write_text(json.dumps(records))
    table = Table(space, tmp_path / "records.json", duplicates="first")
    assert [table.estimate(Proposal(each), 0).metrics["loss"] for each in drawn[:3]] == [0.0, 1.0, 2.0]
    renamed = {f"column {name}": cells for name, cells in columns.items()}
    naming = {name: f"column {name}" for name in names}
    assert Table(space, renamed, architecture=naming, duplicates="first").architectures[0] == drawn[0]


# Budgets, repeats, curves.

LONG = {
    "arch": ["11111111"] * 4 + ["22222222"] * 3,
    "epochs": [4, 12, 36, 108, 4, 12, 36],
    "accuracy": [10.0, 20.0, 30.0, 40.0, 11.0, 21.0, 31.0],
    "time": [1.0, 3.0, 9.0, 27.0, 2.0, 6.0, 18.0],
}


def test_a_fidelity_takes_the_largest_budget_that_it_allows():
    table = Table(SPACE, LONG, fidelity="epochs", cost="time")
    assert table.budgets == (4.0, 12.0, 36.0, 108.0)
    expected = {None: 40.0, 1.0: 40.0, 0.99: 30.0, 1 / 3: 30.0, 1 / 9: 20.0, 0.1: 10.0, 4 / 108: 10.0}
    for fidelity, accuracy in expected.items():
        assert metrics(table, "11111111", fidelity)["accuracy"] == accuracy, fidelity
    assert metrics(table, "22222222", 1 / 3) == {"accuracy": 31.0, "cost_seconds": 18.0}
    with pytest.raises(UserError, match=r"below the smallest budget .* 4; the smallest share is 0.03704"):
        metrics(table, "11111111", 0.01)
    with pytest.raises(TrialFailed, match="at epochs = 108"):
        metrics(table, "22222222")
    assert table.column("accuracy", 1 / 9).tolist() == [20.0, 21.0]
    assert np.isnan(table.column("accuracy")[1])
    assert table.best("accuracy") == 40.0


def test_rows_of_ascending_budget_may_be_one_curve():
    plain, followed = (Table(SPACE, LONG, fidelity="epochs", curve=curve) for curve in (None, True))
    assert plain.estimate(proposal("11111111"), 0).curve == ()
    curve = followed.estimate(proposal("11111111", 0.5), 0).curve
    assert [(each["epoch"], each["accuracy"]) for each in curve] == [(4.0, 10.0), (12.0, 20.0), (36.0, 30.0)]


def test_without_budgets_there_is_only_the_full_one():
    with pytest.raises(UserError, match="without a fidelity column or curves"):
        metrics(Table(SPACE, COLUMNS), "11111111", 0.5)
    with pytest.raises(UserError, match="above 0 and at most 1"):
        metrics(Table(SPACE, COLUMNS), "11111111", 1.5)
    assert metrics(Table(SPACE, COLUMNS), "11111111", 1.0)["accuracy"] == 92.25


REPEATED = {"arch": ["11111111"] * 3 + ["22222222"], "seed": [777, 888, 999, 777], "accuracy": [1.0, 2.0, 4.0, 9.0]}


def test_the_seed_picks_a_repeat():
    for repeat in ("seed", True):
        table = Table(SPACE, REPEATED, repeat=repeat, metrics="accuracy")
        found = [metrics(table, "11111111", seed=seed)["accuracy"] for seed in range(6)]
        assert found == [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]
        assert metrics(table, "22222222", seed=5)["accuracy"] == 9.0
        assert table.column("accuracy") == pytest.approx([7 / 3, 9.0])
    averaged = Table(SPACE, REPEATED, duplicates="mean", metrics="accuracy")
    assert metrics(averaged, "11111111", seed=1)["accuracy"] == pytest.approx(7 / 3)
    assert metrics(Table(SPACE, REPEATED, duplicates="first"), "11111111", seed=1)["accuracy"] == 1.0


def test_repeats_are_in_their_own_order_and_may_be_text():
    columns = {"arch": ["11111111"] * 2, "run": ["second", "first"], "accuracy": [2.0, 1.0]}
    assert metrics(Table(SPACE, columns, repeat="run"), "11111111", seed=0)["accuracy"] == 1.0


CURVE = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
TWO = {"arch": ["11111111", "22222222"], "test": [40.0, 80.0], "seconds": [100.0, 200.0]}


def curved(form, tmp_path):
    if form == "array":
        return TWO, CURVE
    if form == "npz":
        np.savez(tmp_path / "curves.npz", accuracy=CURVE)
        return TWO, str(tmp_path / "curves.npz")
    if form == "family":
        return {**TWO, **{f"epoch_{i + 1}": CURVE[:, i] for i in range(4)}}, "epoch_"
    path = tmp_path / "table.json"
    path.write_text(json.dumps({**TWO, "history": CURVE.tolist()}))
    return path, "history"


@pytest.mark.parametrize("form", ["array", "npz", "family", "lists"])
def test_curves_beside_the_rows(form, tmp_path):
    source, curve = curved(form, tmp_path)
    table = Table(SPACE, source, curve={"accuracy": curve}, cost="seconds")
    assert table.metrics == ("test", "accuracy", "cost_seconds")
    whole = table.estimate(proposal("22222222"), 0)
    assert whole.metrics == {"test": 80.0, "accuracy": 8.0, "cost_seconds": 200.0}
    assert whole.curve[1] == {"epoch": 2.0, "accuracy": 6.0} and len(whole.curve) == 4
    half = table.estimate(proposal("22222222", 0.5), 0)
    assert half.metrics == {"accuracy": 6.0, "cost_seconds": 100.0} and half.curve == whole.curve[:2]
    assert metrics(table, "11111111", 0.01)["accuracy"] == 1.0
    assert table.column("accuracy", 0.75).tolist() == [3.0, 7.0]
    assert table.fidelities == (0.25, 0.5, 0.75, 1.0)
    with pytest.raises(UserError, match="'test' has no curve"):
        table.column("test", 0.5)


def test_every_column_of_lists_is_a_curve_where_asked():
    table = Table(SPACE, {**TWO, "history": CURVE.tolist()}, curve=True)
    assert table.estimate(proposal("11111111", 0.5), 0).metrics == {"history": 2.0}


# What a table tells of itself.


def test_the_report():
    report = Table(SPACE, COLUMNS).report
    assert (report.rows, report.architectures, report.size, report.duplicates) == (4, 4, 6561, 0)
    known = {SPACE.canonical(SPACE.parse(text)) for text in TEXTS}
    assert report.covered == sum(SPACE.canonical(each) in known for each in SPACE.enumerate())
    assert report.missing == report.size - report.covered
    assert report.ranges["accuracy"] == (50.0, 94.0)
    assert "4 rows about 4 architectures" in str(report) and "accuracy: 50 to 94" in str(report)
    repeated = Table(SPACE, REPEATED, duplicates="first").report
    assert (repeated.rows, repeated.duplicates) == (2, 2)
    assert Table(SPACE, REPEATED, repeat="seed").report.repeats == (1, 3)


def test_a_complete_table_is_complete():
    texts = sorted({str(SPACE.canonical(each)) for each in SPACE.enumerate()})
    table = Table(SPACE, {"arch": texts, "accuracy": np.arange(3969.0)}, coverage="complete")
    assert table.report.missing == 0 and "covers all 6,561" in str(table.report)
    with pytest.raises(DataError, match="has no row for"):
        Table(SPACE, {"arch": texts[1:], "accuracy": np.arange(3968.0)}, coverage="complete")


def test_best_knows_the_direction_from_the_name():
    table = Table(SPACE, {**COLUMNS, "loss": [3.0, 1.0, 2.0, 4.0]})
    assert (table.best("loss"), str(table.best_architecture("loss"))) == (1.0, TEXTS[1])
    assert (table.best("accuracy"), str(table.best_architecture("accuracy"))) == (94.0, TEXTS[2])
    assert table.best("loss:maximize") == 4.0
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        table.column("acuracy")


def synthetic():
    rng = np.random.default_rng(0)
    texts = [str(each) for each in SPACE.enumerate()]
    return {"arch": texts, "accuracy": rng.normal(size=len(texts)), "loss": rng.normal(size=len(texts))}


def test_looking_up_takes_about_a_millionth_of_a_second():
    table = Table(SPACE, synthetic())
    rng = np.random.default_rng(0)
    asked = [Proposal(SPACE.sample(rng)) for _ in range(5_000)]
    estimate = table.estimate
    for each in asked:
        estimate(each, 0)

    def seconds():
        start = time.process_time()
        for each in asked:
            estimate(each, 0)
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) / len(asked) < 5e-6


def test_a_search_over_a_table_finds_its_best():
    table = Table(SPACE, synthetic())
    run = Search(RegularizedEvolution(SPACE), table, objective="accuracy", seed=0).run(trials=1000)
    assert run.best.metrics["accuracy"] > np.quantile(table.column("accuracy"), 0.99)
    assert all(trial.metrics == table.estimate(trial.proposal, 0).metrics for trial in run.trials)


# The real table.


@needs_data
def test_nasbench201_has_its_published_optima_and_loads_in_a_second():
    space = NasBench201()
    assert space.size == 15_625
    start = time.process_time()
    table = Table(space, DATA / "nasbench201.csv", coverage="complete")
    assert time.process_time() - start < 2.5
    assert table.best("cifar10_test_200") == 94.3733
    assert table.best("cifar100_test_200") == 73.5133
    assert table.best("imagenet16_120_test_200") == 47.3111
    assert str(table.best_architecture("imagenet16_120_test_200")) == str(table.architectures[857])


@needs_data
def test_the_curves_of_nasbench201_end_where_its_table_says():
    curve = {"accuracy": str(DATA / "cifar10_curves_12ep.npz")}
    table = Table(NasBench201(), DATA / "nasbench201.csv", metrics="cifar10_test_12", curve=curve)
    np.testing.assert_allclose(table.column("accuracy"), table.column("cifar10_test_12"), atol=1e-4)
    assert len(table.estimate(Proposal(table.architectures[5], fidelity=0.5), 0).curve) == 6
