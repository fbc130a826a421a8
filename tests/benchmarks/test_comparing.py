from __future__ import annotations

import csv
import functools
import gzip
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_tables import SPACE, Breaking, Drawing, Killing, columns, problem, write_table

import netwright as nw
from netwright.benchmarks import BenchmarkProblem, Comparison, compare
from netwright.benchmarks.budget import Budget, Rationed
from netwright.benchmarks.comparing import ComparisonInterrupted
from netwright.benchmarks.entrants import entrants_of, split_list
from netwright.benchmarks.plots import figures
from netwright.benchmarks.text_report import notes
from netwright.core.errors import Busy, ConfigurationError, CorruptStore, UserError
from netwright.core.randomness import derived_seed
from netwright.estimators.table import Table
from netwright.strategies import LocalSearch, RandomSearch, RegularizedEvolution

EVOLUTION = "evolution:population=5,tournament=2"


def numbers(found: Comparison) -> dict:
    return {
        place: (repr(each.numbers.tolist()), each.architectures, each.reason) for place, each in found.cells.items()
    }


def test_a_search_of_a_comparison_is_what_the_loop_gives():
    found = compare([RandomSearch], problem(), evaluations=12, repeats=2, seed=5)
    table = problem().table
    assert table is not None
    for repeat in range(2):
        run = nw.Search(RandomSearch(SPACE), table, "valid", seed=5 + repeat).run(trials=12)
        cell = next(each for each in found.cells.values() if each.place.repeat == repeat)
        assert cell.architectures == [str(each.architecture) for each in run.trials]
        assert cell.column("searched").tolist() == [each.metrics["valid"] for each in run.trials]
        assert cell.column("reported").tolist() == [each.metrics["test"] for each in run.trials]
        best = max(run.trials, key=lambda each: (each.metrics["valid"], -each.number))
        assert found.curves("RandomSearch", "test").reported[repeat, -1] == best.metrics["test"]


def test_a_method_that_is_not_quite_its_papers_is_said_to_be_another_form():
    wanted = ["bananas", "bananas:quick=false,networks=1", "random"]
    found = compare(wanted, problem(), evaluations=11, repeats=1)
    (said,) = (line for line in notes(found) if line.startswith("note: ") and " ran as " not in line)
    assert said.startswith("note: bananas is a quick form of BANANAS: ") and "bananas:quick=false" in said


def test_the_best_network_is_chosen_by_the_metric_and_never_by_the_report():
    values = columns()
    values["test"] = [-each for each in values["valid"]]  # the better one searches, the worse the report
    task = BenchmarkProblem(Table(SPACE, values, metrics=("valid", "test")), "valid", "test")
    found = compare(["random"], task, evaluations=30, repeats=3)
    curve = found.curves("random", "test")
    assert (np.diff(curve.searched, axis=1) >= 0).all() and (np.diff(curve.reported, axis=1) <= 0).all()
    assert (found.regret("test", curve.reported) >= 0).all()
    limits = found.limits("test")
    assert limits["searched"] == max(values["valid"]) and limits["reported"] == max(values["test"])
    assert limits["perfect"] == -max(values["valid"])


def test_a_metric_to_be_small_is_reported_with_regret_above_zero_and_the_smaller_one_is_better():
    values = columns()
    values["test_error"] = [20 - each for each in values.pop("test")]
    task = BenchmarkProblem(Table(SPACE, values, metrics=("valid", "test_error")), "valid", "test_error")
    found = compare({"local": LocalSearch, "random": RandomSearch}, task, evaluations=25, repeats=6)
    first, last = found.finals("test_error")
    assert first.mean <= last.mean and first.regret <= last.regret and min(first.regret, last.regret) >= 0
    (pair,) = found.pairs["test_error"]
    assert pair.means == (found.final("local", "test_error").mean(), found.final("random", "test_error").mean())
    assert (pair.difference > 0) == (pair.means[0] < pair.means[1])


def test_strategies_do_not_see_the_report():
    seen = set()

    class Looking(Drawing):
        def tell(self, trial):
            seen.update(trial.metrics)

    compare([Looking], problem(), evaluations=5, repeats=1)
    assert seen == {"valid"}


def test_copies_of_a_strategy_search_with_seeds_of_their_own_and_others_share_them():
    found = compare("random,random," + EVOLUTION, problem(), evaluations=10, repeats=2)
    assert found.strategies == ("random", "random (2)", EVOLUTION)
    one, copy, other = (next(each for each in found.places(name, "test")) for name in found.strategies)
    assert found.cells[one].architectures != found.cells[copy].architectures
    assert found.cells[one].architectures[0] == found.cells[other].architectures[0]
    assert (found.seed(one), found.seed(copy), found.seed(other)) == (0, derived_seed(0, 1), 0)


def test_processes_give_the_same_numbers_and_survive_strategies_that_raise_or_kill_theirs(tmp_path):
    good = {"random": RandomSearch, "evolution": EVOLUTION}
    alone = compare(good, problem(), evaluations=10, repeats=2, processes=1)
    strategies = {**good, "breaking": Breaking, "killing": Killing}
    found = compare(strategies, problem(), evaluations=10, repeats=2, processes=2, folder=tmp_path)
    kept = numbers(Comparison.load(tmp_path))
    assert numbers(found) == kept and numbers(alone).items() <= kept.items() and not found.missing
    reasons = {each.place.strategy: each.reason for each in found.failures}
    assert set(reasons) == {"breaking", "killing"} and len(found.failures) == 4
    assert reasons["breaking"].startswith("ZeroDivisionError: three is enough (") and "line" in reasons["breaking"]
    assert reasons["killing"] == "its process was ended by SIGKILL"
    text = str(found)
    assert "breaking failed in 2 of 2 searches on test" in text and "three is enough" in text


def test_a_budget_of_evaluations_counts_parts_as_parts():
    by_epochs = Table(SPACE, columns(epochs=(1, 3)), metrics=("valid", "test"), fidelity="epochs")
    task = BenchmarkProblem(by_epochs, "valid", "test")
    strategies = {"whole": Drawing, "third": functools.partial(Drawing, fidelity=1 / 3)}
    found = compare(strategies, task, evaluations=4, repeats=1)
    whole, third = (found.cells[found.places(name, "test")[0]] for name in strategies)
    assert len(whole.numbers) == 4 and len(third.numbers) == 12
    assert found.spent(third) == pytest.approx(1.0)
    full = dict(zip(by_epochs.architectures, by_epochs.column("test").tolist(), strict=True))
    names = [str(each) for each in full]
    assert third.column("reported").tolist() == [list(full.values())[names.index(a)] for a in third.architectures]


def test_a_table_of_full_trainings_gives_these_to_a_strategy_that_asks_for_less_and_says_so():
    found = compare({"third": functools.partial(Drawing, fidelity=1 / 3)}, problem(), evaluations=4, repeats=1)
    cell = found.cells[found.places("third", "test")[0]]
    assert len(cell.numbers) == 4 and not cell.failed
    assert "third asks for parts of a full training" in str(found)


def test_simulated_seconds_end_a_search_and_workers_share_them():
    task = problem(cost="seconds")
    one = compare([Drawing], task, seconds=100, repeats=3)
    four = compare([Drawing], task, seconds=100, repeats=3, workers=4)
    for found, workers in ((one, 1), (four, 4)):
        for cell in found.cells.values():
            assert cell.column("finished").max() <= 100
            assert 100 * workers * 0.6 < cell.column("cost").sum() <= 100 * workers
    assert (np.diff(next(iter(four.cells.values())).column("finished")) >= 0).all()


def test_a_folder_that_does_not_know_what_its_evaluations_count_as_is_refused(tmp_path):
    compare("random", problem(), evaluations=5, repeats=1, folder=tmp_path)
    with sqlite3.connect(tmp_path / "comparison.db") as file:
        file.execute("pragma user_version = 0")
    with pytest.raises(CorruptStore, match="is a comparison of version 1; expected version 2"):
        Comparison.load(tmp_path)


def test_what_needs_costs_is_refused_without_them():
    with pytest.raises(UserError, match="read without costs"):
        compare("random", problem(), seconds=100)
    with pytest.raises(UserError, match="2 workers at once"):
        compare("random", problem(), evaluations=5, workers=2)


def test_a_comparison_goes_on_where_it_was_and_may_be_added_to(tmp_path):
    first = compare("random", problem(), evaluations=8, repeats=2, folder=tmp_path)
    times = {place: cell.seconds for place, cell in first.cells.items()}
    more = compare("random," + EVOLUTION, problem(), evaluations=8, repeats=3, folder=tmp_path)
    assert more.strategies == ("random", EVOLUTION) and len(more.cells) == 6
    assert all(more.cells[place].seconds == seconds for place, seconds in times.items())  # not run again
    fewer = compare("local", problem(), evaluations=8, repeats=1, folder=tmp_path)
    assert fewer.plan.repeats == 3 and fewer.missing == 2
    assert "warning: 2 of 9 searches have not been run" in str(fewer)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"evaluations": 9}, "budget 8 evaluations there, 9 evaluations here"),
        ({"seed": 1}, "first seed 0 there, 1 here"),
        (
            {"problems": BenchmarkProblem(problem().estimator, "test", "test")},
            "problem 'test', metric valid:maximize there",
        ),
        ({"strategies": {"random": RegularizedEvolution}}, "strategy 'random', strategy random there"),
    ],
)
def test_another_comparison_in_the_same_folder_is_refused_with_the_difference(tmp_path, changed, said):
    given = {"strategies": "random", "problems": problem(), "evaluations": 8, "repeats": 1}
    compare(**given, folder=tmp_path)
    with pytest.raises(UserError, match=said):
        compare(**{**given, **changed}, folder=tmp_path)


def test_a_strategy_whose_file_has_changed_is_another_one(tmp_path):
    file = tmp_path / "mine.py"
    code = "from netwright.strategies import RandomSearch\nclass Mine(RandomSearch):\n    pass\n"
    file.write_text(code)
    given = {"strategies": f"{file}:Mine", "problems": problem(), "evaluations": 4, "repeats": 1}
    assert not compare(**given, folder=tmp_path / "c").failures
    file.write_text(code + "    # changed\n")
    with pytest.raises(UserError, match="sha256"):
        compare(**given, folder=tmp_path / "c")


def test_failed_searches_are_run_again(tmp_path):
    given = {"problems": problem(), "evaluations": 6, "repeats": 1, "folder": tmp_path}
    assert compare({"breaking": Breaking}, **given).failures
    with sqlite3.connect(tmp_path / "comparison.db") as connection:
        connection.execute("update cells set reason = 'an old one'")
    connection.close()
    (failed,) = compare({"breaking": Breaking}, **given).failures
    assert failed.reason.startswith("ZeroDivisionError")


def test_a_comparison_that_is_killed_loses_no_search_that_it_reported(tmp_path):
    """The driver is killed with SIGKILL; its workers end, and the next call gives what an unbroken one gives."""
    script = tmp_path / "driver.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from small_tables import problem\nfrom netwright.benchmarks import compare\n"
        "tell = lambda standing: print(standing.done, flush=True)\n"
        f"compare('random,{EVOLUTION}', problem(), evaluations=400, repeats=400, processes=2,"
        f" folder={str(tmp_path / 'c')!r}, on_progress=tell)\n"
    )
    driver = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    reported = 0
    while reported < 2:
        reported = int(driver.stdout.readline())
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
    driver.kill()
    driver.communicate()
    kept = Comparison.load(tmp_path / "c")
    assert len(kept.cells) >= reported
    end = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(children) == 2 and not any(Path(f"/proc/{child}").exists() for child in children)
    place, cell = next(iter(kept.cells.items()))
    again = compare("random," + EVOLUTION, problem(), evaluations=400, repeats=place.repeat + 1)
    assert np.array_equal(again.cells[place].numbers, cell.numbers, equal_nan=True)


def test_ctrl_c_says_how_to_go_on(tmp_path):
    def interrupt(standing):
        if standing.done == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(ComparisonInterrupted, match=r"2 of 6 searches; go on with the same call: compare") as stopped:
        compare("random", problem(), evaluations=5, repeats=6, folder=tmp_path, on_progress=interrupt)
    assert stopped.value.exit_code == 130
    found = compare("random", problem(), evaluations=5, repeats=6, folder=tmp_path)
    assert not found.missing


def test_one_process_works_in_a_folder_at_a_time(tmp_path):
    seen = []

    def again(standing):
        with pytest.raises(Busy):
            compare("random", problem(), evaluations=5, folder=tmp_path)
        seen.append(standing)

    compare("random", problem(), evaluations=5, repeats=1, folder=tmp_path, on_progress=again)
    assert [each.done for each in seen] == [0, 1] and seen[-1].to_go == 0


def test_another_programs_file_is_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "comparison.db") as connection:
        connection.execute("create table notes (text)")
    connection.close()
    with pytest.raises(CorruptStore, match="not the file of a comparison"):
        compare("random", problem(), evaluations=5, folder=tmp_path)
    (tmp_path / "comparison.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(CorruptStore):
        Comparison.load(tmp_path)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: compare("randon", problem(), evaluations=5), "did you mean 'random'"),
        (lambda: BenchmarkProblem(problem().estimator, "valid", "tset"), "report 'tset'.*did you mean 'test'"),
        (lambda: compare("random", problem(), evaluations=5, seconds=3), "one budget"),
        (lambda: compare("random", problem()), "one budget"),
        (lambda: compare("random", problem(), evaluations=5, repeats=0), "repeats is 0"),
        (lambda: compare([], problem(), evaluations=5), "at least one strategy"),
        (lambda: compare("random", [], evaluations=5), "needs problems"),
        (lambda: compare("random", [problem(), problem()], evaluations=5), "two problems are called 'test'"),
        (lambda: BenchmarkProblem(nw.estimators.Function(len, "x"), "x"), "has no space"),
        (lambda: compare([Drawing(SPACE).told.append], problem(), evaluations=5), "expected a Strategy"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, said):
    with pytest.raises((UserError, ConfigurationError), match=said):
        call()


def test_what_workers_cannot_be_sent_is_refused_where_they_were_asked_for():
    with pytest.raises(UserError, match=r"cannot be sent to worker processes.*processes=1"):
        compare([lambda space: RandomSearch(space)], problem(), evaluations=5, processes=2)


def test_strategies_between_commas_keep_their_options():
    assert split_list("random,evolution:population=20,tournament=5,local, mine.py:Mine:a=(1,2),b=3") == [
        *("random", "evolution:population=20,tournament=5", "local", "mine.py:Mine:a=(1,2),b=3")
    ]
    objects = entrants_of([RandomSearch(SPACE), RegularizedEvolution(SPACE, 10)], Budget(5))
    assert [each.name for each in objects] == ["RandomSearch", "RegularizedEvolution(population=10)"]


def test_a_ration_ends_at_what_no_longer_fits():
    strategy = Rationed(Drawing(SPACE, 0.4), 1.0)
    rng = np.random.default_rng(0)
    assert [strategy.ask(rng), strategy.ask(rng)]
    with pytest.raises(nw.core.errors.StopSearch, match="less than the next one takes"):
        strategy.ask(rng)


def test_every_number_is_exported(tmp_path):
    other = BenchmarkProblem(Table(SPACE, columns(seed=1), metrics=("valid", "test")), "valid", "test", "other_task")
    first = problem()
    found = compare("random," + EVOLUTION, [first, other], evaluations=20, repeats=4)
    written = {path.name for path in found.write(tmp_path, plots=False)}
    assert written == {"report.txt", "table.tex", "finals.csv", "curves.csv", "pairs.csv", "evaluations.csv.gz"}
    with gzip.open(tmp_path / "evaluations.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 4 * 20
    assert first.table is not None
    known = dict(zip(map(str, first.table.architectures), first.table.column("valid").tolist(), strict=True))
    mine = [row for row in rows if row["problem"] == "test"]
    assert all(float(row["searched"]) == known[row["architecture"]] and row["state"] == "completed" for row in mine)
    with (tmp_path / "finals.csv").open(newline="") as file:
        finals = list(csv.DictReader(file))
    values = [float(row["reported"]) for row in finals if (row["problem"], row["strategy"]) == ("test", "random")]
    assert values == found.final("random", "test").tolist()
    latex = (tmp_path / "table.tex").read_text()
    assert r"other\_task" in latex and latex.count(r"\\") == 3
    text = (tmp_path / "report.txt").read_text()
    assert "mean rank over 2 problems" in text and "Holm, 2 pairs" in text


def test_plots_are_vector_graphics(tmp_path):
    found = compare("random,local", problem(), evaluations=8, repeats=3)
    written = [path for path in found.write(tmp_path) if path.suffix in (".svg", ".pdf")]
    assert {path.stem for path in written} == {f"test-{kind}" for kind in ("reported", "regret", "rank", "final")}
    assert len(written) == 8 and all(path.stat().st_size > 1000 for path in written)
    assert "<image" not in (tmp_path / "test-regret.svg").read_text()


def test_plots_show_the_bands_of_the_comparison():
    found = compare("random,local", problem(), evaluations=8, repeats=3)
    drawn = figures(found)
    rows = [row for row in drawn["test-reported"].tables["lines"] if row["strategy"] == "local"]
    mean, low, high = found.band("local", "test")
    for key, expected in (("mean", mean), ("low", low), ("high", high)):
        np.testing.assert_allclose([row[key] for row in rows], expected)
    regrets = [row for row in drawn["test-regret"].tables["lines"] if row["mean"] is not None]
    assert all(row["low"] <= row["mean"] <= row["high"] for row in regrets)
    ends = [row for row in drawn["test-final"].tables["lines"] if row["strategy"] == "random" and row["share"] == 1.0]
    assert ends[0]["value"] == pytest.approx(np.max(found.final("random", "test")))
    assert "2 strategies, 3 seeds each" in drawn["test-rank"].note


def test_a_table_from_a_file_is_compared_by_names(tmp_path):
    table = Table(SPACE, write_table(tmp_path / "t.csv"), cost="seconds", metrics=("valid", "test"))
    found = compare("random,local", BenchmarkProblem(table, "valid", "test"), evaluations=10, repeats=3)
    assert "t.csv" not in str(found.failures) and not found.failures
    assert found.as_json()["problems"]["test"]["finals"][0]["values"]


def test_a_table_with_one_row_for_equal_networks_reports_them_all():
    space = nw.spaces.NasBench201()
    twin = space.parse("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    other = next(each for each in space.enumerate() if space.canonical(each) == space.canonical(twin) and each != twin)
    task = BenchmarkProblem(Table(space, {"arch": [str(other)], "valid": [1.0], "test": [7.0]}), "valid", "test")
    assert task.true_report(twin, {}) == 7.0
    assert np.isnan(task.true_report(space.parse("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"), {}))


def test_the_name_of_before_is_still_there() -> None:
    assert nw.benchmarks.Problem is BenchmarkProblem
    with pytest.raises(ConfigurationError, match="expected a BenchmarkProblem"):
        compare("random", [nw.problems.Classification("ab")], evaluations=1)
