from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from netwright.benchmarks import BenchmarkProblem, compare
from netwright.cli.main import run
from netwright.core.task import TaskShape
from netwright.estimators.cost import Cost
from netwright.estimators.table import Table
from netwright.spaces import Mlp
from netwright.testing.small_spaces import Layers

SPACE = f"{Layers.__module__}:Layers:most=2"


@pytest.fixture
def table(tmp_path) -> Path:
    """A table of the space `Layers(2)` with two searched and two reported columns."""
    path = tmp_path / "known.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "valid", "test", "valid_b", "test_b", "seconds"])
        for number, architecture in enumerate(Layers(2).enumerate()):
            score = (number * 37) % 101
            writer.writerow([architecture, score, score - number % 3, -score, number, 5 + number])
    return path


@pytest.fixture
def call(tmp_path, table, capsys):
    def called(*more: str, defaults: bool = True) -> tuple[int, str, str]:
        given = ["--space", SPACE, "--table", str(table), "--metric", "valid", "--report", "test", "--evaluations", "6"]
        words = ["compare", *(given if defaults else []), "--folder", str(tmp_path / "c"), "--no-plots", *more]
        code = run(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def test_strategies_are_compared_and_the_folder_goes_on_alone(call, tmp_path):
    code, out, _ = call("--strategies", "random,evolution:population=3,tournament=2", "--repeats", "4")
    assert code == 0
    assert "searched by valid, reported by test" in out and "n = 4 seeds (0 to 3" in out
    assert "evolution:population=3,tournament=2" in out and "told apart" in out and "beats random" in out
    assert (tmp_path / "c" / "finals.csv").is_file()

    code, out, _ = call("--strategies", "local", "--repeats", "6", "--json", defaults=False)
    found = json.loads(out)
    assert code == 0 and found["plan"]["repeats"] == 6 and found["missing"] == 0
    assert list(found["plan"]["strategies"]) == ["random", "evolution:population=3,tournament=2", "local"]
    assert all(len(each["values"]) == 6 for each in found["problems"]["test"]["finals"])

    code, out, _ = call("--quiet", defaults=False)
    assert code == 0 and "18 searches" in out

    code, _, err = call("--evaluations", "7", defaults=False)
    assert code == 2 and "budget 6 evaluations there, 7 evaluations here" in err


def test_a_space_of_a_file_is_searched_by_several_processes(call, tmp_path, table):
    own = tmp_path / "a_space_for_the_comparison.py"
    own.write_text("from netwright.testing.small_spaces import Layers\n\n\nclass Mine(Layers):\n    pass\n")
    with table.open(newline="") as file:
        rows = list(csv.reader(file))
    given = ("--space", f"{own}:Mine:most=2", "--table", str(table), "--metric", "valid", "--evaluations", "6")
    strategies = ("--strategies", "random,local", "--repeats", "2")
    code, out, err = call(*given, *strategies, "--processes", "2", defaults=False)
    assert code == 0 and "4 searches" in out and "failed" not in out, err
    assert "local ran as LocalSearch(" in out and len(rows) > 6


def test_only_pairs_told_apart_are_sentences_and_the_searched_metric_has_its_table(call):
    code, out, _ = call("--strategies", "random,local,evolution", "--repeats", "3")
    assert code == 0 and "3 pairs are not told apart" in out and "are not told apart:" not in out
    assert "the metric that was searched, valid, of the same networks" in out
    assert "evolution is regularised evolution with a population of 4 and samples of 2" in out
    assert "evolution ran as RegularizedEvolution(population=4, tournament=2, identity=0.0, repeats=False, " in out


def test_several_tasks_are_pairs_of_metric_and_report(call):
    more = ["--metric", "valid_b", "--report", "test_b", "--name", "first", "--name", "second"]
    code, out, _ = call("--strategies", "random", "--repeats", "2", *more)
    assert code == 0 and "first: searched by valid, reported by test" in out
    assert "second: searched by valid_b, reported by test_b" in out and "mean rank over 2 problems" in out


def test_several_objectives_are_compared_by_hypervolume_and_the_folder_goes_on(call, table, tmp_path):
    given = ["--space", SPACE, "--table", str(table), "--objective", "valid", "--objective", "seconds:minimize"]
    words = [*given, "--evaluations", "6", "--repeats", "4", "--strategies", "random,nsga2"]
    code, out, err = call(*words, defaults=False)
    assert code == 0, err
    assert "searched by valid:maximize and seconds:minimize, reported by hypervolume" in out
    assert "hypervolume from the reference point valid " in out and "attainment: the front that half" in out
    assert "95 % interval" in out and "Wilcoxon's signed-rank test" in out
    with gzip.open(tmp_path / "c" / "evaluations.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open(newline="") as file:
        known = {row["arch"]: row for row in csv.DictReader(file)}
    assert len(rows) == 48
    assert all(float(row[name]) == float(known[row["architecture"]][name]) for row in rows for name in ("valid",))
    assert {row["state"] for row in rows} == {"completed"}
    with (tmp_path / "c" / "attained.csv").open(newline="") as file:
        assert {row["share"] for row in csv.DictReader(file)} == {"0.25", "0.5", "0.75"}

    code, out, _ = call("--strategies", "local", "--json", defaults=False)
    found = json.loads(out)
    told = found["problems"]["valid and seconds"]
    assert code == 0 and found["missing"] == 0 and len(told["finals"]) == 3
    assert set(told["reference"]) == {"valid", "seconds"} and set(told["attained"]) == {"random", "nsga2", "local"}

    code, _, err = call("--metric", "valid", defaults=False)
    assert code == 2 and "expected one of them" in err


def test_one_objective_is_the_metric(call, table):
    words = ["--space", SPACE, "--table", str(table), "--objective", "valid", "--evaluations", "4", "--repeats", "2"]
    code, out, _ = call(*words, "--strategies", "random", defaults=False)
    assert code == 0 and "valid: searched by valid, reported by valid" in out


def test_networks_are_trained_for_several_objectives_and_the_page_is_written_with_each_chart_once(
    tmp_path, capsys, monkeypatch
):
    from netwright.benchmarks import plots

    made = []
    monkeypatch.setattr(plots, "plot_finals", lambda *asked, plot=plots.plot_finals: made.append(1) or plot(*asked))
    words = ["--data", "digits", "--space", "mlp:most=1", "--epochs", "1", "--evaluations", "2", "--repeats", "2"]
    asked = ["--objective", "val_accuracy", "--objective", "params", "--strategies", "random,nsga2"]
    code = run(["compare", *words, *asked, "--folder", str(tmp_path), "--executor", "inline"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "digits: searched by val_accuracy:maximize and params:minimize, reported by hypervolume" in told.out
    page = (tmp_path / "report.html").read_text()
    assert "fronts that are attained" in page and "--objective params" in page and "reference point" in page
    assert (tmp_path / "digits-attained.svg").is_file() and len(made) == 1


def test_workers_and_seconds_are_simulated(call):
    words = ["--seconds", "100", "--cost", "seconds", "--workers", "2", "--strategies", "random", "--repeats", "2"]
    given = ["--space", SPACE, "--table", "TABLE", "--metric", "valid"]
    code, out, err = call(*given, *words, defaults=False)
    assert code in (2, 5) and "TABLE" in err  # there is no such file
    assert out == ""


def test_two_workers_fit_more_into_the_time(call, table):
    words = ["--space", SPACE, "--table", str(table), "--metric", "valid", "--seconds", "100", "--cost", "seconds"]
    code, out, _ = call(*words, "--workers", "2", "--strategies", "random", "--repeats", "2", defaults=False)
    assert code == 0 and "budget 1m40s a search, 2 workers" in out
    assert "what is reported is what was searched" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--strategies", "evolutoin"], "did you mean 'evolution'"),
        (["--metric", "x", "--metric", "y", "--report", "test"], "--report is given 2 times; expected 3"),
        (["--metric", "vlaid", "--report", "test_b"], "did you mean 'valid'"),
        (["--data", "digits"], "leave out --table and --report"),
        (["--tile", "32", "--data-option", "words=5"], "no data is read, but --data-option, --tile was given"),
        (["--seconds", "10"], "one budget"),
        (["--objective", "valid", "--objective", "seconds"], "--metric valid and --objective valid"),
        (["--repeats", "0"], "repeats is 0"),
    ],
)
def test_what_is_wrong_is_said(call, words, said):
    code, _, err = call(*words)
    assert code == 2 and said in " ".join(err.split())


def test_what_is_missing_is_said(call, table):
    assert "--table FILE" in call("--evaluations", "5", defaults=False)[2]
    assert "a comparison needs a budget" in call(defaults=False)[2]
    table_only = ["--table", str(table), "--evaluations", "5"]
    assert "--space is missing" in call(*table_only, defaults=False)[2]
    assert "--metric is missing" in call(*table_only, "--space", SPACE, defaults=False)[2]


def test_a_comparison_made_from_python_is_shown_and_added_to_there(call, tmp_path, table):
    task = BenchmarkProblem(Table(Layers(2), table, metrics=("valid", "test")), "valid", "test")
    compare("random", task, evaluations=4, repeats=2, folder=tmp_path / "c")
    code, out, _ = call(defaults=False)
    assert code == 0 and "searched by valid, reported by test" in out
    code, _, err = call("--strategies", "local", defaults=False)
    assert code == 2 and "was made from Python" in err


def test_real_training_is_compared_in_real_seconds(tmp_path, capsys):
    words = ["--data", "digits", "--space", "mlp:most=1", "--epochs", "1", "--evaluations", "2", "--repeats", "1"]
    code = run(["compare", *words, "--strategies", "random", "--folder", str(tmp_path), "--no-plots"])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "digits: searched by val_accuracy" in told.out and "2 evaluations" in told.out


def test_real_training_reads_data_as_a_search_does_and_measures_what_is_compared(tmp_path, capsys):
    rows = "".join(f"{x % 7},{x % 3},{x % 7 + 0.5 * (x % 3)}\n" for x in range(60))
    (tmp_path / "t.csv").write_text("a,b,price\n" + rows)
    words = ["compare", "--data", str(tmp_path / "t.csv"), "--target-column", "price", "--space", "mlp:most=1"]
    budget = ["--epochs", "1", "--evaluations", "1", "--repeats", "1", "--strategies", "random"]
    words += [*budget, "--metric", "val_mae:minimize"]
    place = ["--folder", str(tmp_path / "c"), "--executor", "inline", "--no-plots"]
    assert run([*words, *place]) == 0
    assert "searched by val_mae, reported" in capsys.readouterr().out
    assert run(["compare", "--strategies", "local", *place]) == 0  # it remembers how the data was read
    assert "2 searches" in capsys.readouterr().out


def test_strategies_are_compared_by_a_combination_of_accuracy_and_size(tmp_path, capsys):
    metric = "val_accuracy * (macs / 30M) ^ -0.07"
    space = ["--space", "mlp:most=1", "--epochs", "1", "--evaluations", "2", "--repeats", "2"]
    folder = ["--folder", str(tmp_path), "--executor", "inline", "--no-plots"]
    words = ["compare", "--data", "digits", *space, "--strategies", "random,local", "--metric", metric, *folder]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert f"searched by {metric}, reported by {metric}" in out and "4 searches, 8 evaluations" in out
    with (tmp_path / "finals.csv").open(newline="") as file:
        found = {(row["strategy"], row["repeat"]): float(row["searched"]) for row in csv.DictReader(file)}
    with gzip.open(tmp_path / "evaluations.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    best = {
        key: max(float(row["searched"]) for row in rows if (row["strategy"], row["repeat"]) == key) for key in found
    }
    assert len(found) == 4 and found == best
    layers = Mlp(most=1)
    costs = Cost(layers, TaskShape((1, 8, 8), 10))
    for row in rows:  # so many of 162 validation examples were right, times what the size makes of it
        macs = costs.figures(layers.parse(row["architecture"]))["macs"]
        right = 162 * float(row["searched"]) * (macs / 30e6) ** 0.07
        assert right == pytest.approx(round(right), abs=1e-3)


def test_progress_is_told_with_the_time_to_go():
    from netwright.benchmarks import Standing

    line = str(Standing(done=30, total=1200, failed=2, seconds=12.0, to_go=300.0))
    assert line == "30 of 1,200 searches, 2 failed, 12 s, about 5 min 00 s to go"
