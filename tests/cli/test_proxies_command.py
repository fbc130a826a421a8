from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from netwright.cli.main import run
from netwright.cli.plan import Plan
from netwright.spaces import NasBench201
from netwright.strategies import WarmStart
from netwright.tasks import digits

SMALL = ["digits", "--examples", "80", "--space", "nasbench201:channels=4,cells=1", "--device", "cpu"]


def proxies(*more):
    return run(["proxies", *SMALL, "--batch-size", "4", "--networks", "5", "--proxies", "synflow,snip", *more])


def test_scores_stand_beside_parameters_and_flops_with_their_correlations(tmp_path, capsys):
    space = NasBench201()
    table = tmp_path / "true.csv"
    rows = [f'"{each}",{k % 97}' for k, each in enumerate(space.enumerate())]
    table.write_text("\n".join(["arch,accuracy", *rows]))
    file = tmp_path / "scores.csv"
    assert proxies("--csv", str(file), "--table", str(table), "--metric", "accuracy") == 0
    shown = capsys.readouterr().out
    head = next(line for line in shown.splitlines() if line.startswith("network"))
    assert head.split() == ["network", "params", "flops", "synflow", "snip", "accuracy"]
    assert "rank correlation (Spearman), n = 5" in shown and "against accuracy, n = 5" in shown
    assert "best by synflow: |" in shown
    written = list(csv.DictReader(file.read_text().splitlines()))
    assert len(written) == 5 and {space.parse(each["arch"]) for each in written}
    assert proxies("--csv", str(file)) == 2  # never writes over a file


def test_json_is_the_same_for_the_same_seed(capsys):
    found = []
    for seed in ("1", "1", "2"):
        assert proxies("--json", "--seed", seed) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] != found[2]
    assert found[0]["n"] == 5 and set(found[0]["networks"][0]["scores"]) == {"params", "flops", "synflow", "snip"}


def test_two_workers_print_what_one_process_does(capsys):
    found = []
    for workers in ("1", "2"):
        assert proxies("--json", "--workers", workers) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--workers", "0"], "--workers 0"),
        (["--workers", "2", "--executor", "inline"], "one trial at a time"),
        (["--executor", "proceses"], "did you mean 'processes'"),
        (["--workers", "2", "--executor", "processes", "--address", "auto"], "--address needs --executor ray"),
        (["--proxies", "synflo"], "did you mean 'synflow'"),
        (["--networks", "2"], "--networks 2"),
        (["--batch-size", "1"], "at least 2"),
        (["--table", "t.csv"], "go together"),
        (["--space", "nasbench20"], "nasbench201"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(wrong, said, capsys):
    assert proxies(*wrong) in (2, 5)
    assert said in capsys.readouterr().err


def test_a_search_begins_with_the_best_and_keeps_a_limit_on_a_score(tmp_path, capsys):
    words = ["search", *SMALL, "--trials", "3", "--epochs", "1", "--final-epochs", "0", "--dir", str(tmp_path)]
    words += ["--warm-start", "synflow", "--warm-start-networks", "10", "--limit", "naswot >= -1000000", "--json"]
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["best"]["metrics"].keys() >= {"naswot", "params", "val_accuracy"}
    assert run(["resume", "--trials", "4", "--dir", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["completed"] == 4


def test_a_warm_start_by_two_workers_chooses_the_same_networks():
    one = Plan(
        "digits", space="nasbench201:channels=4,cells=1", warm_start="snip", warm_start_networks=20, device="cpu"
    )
    task = digits(limit=80)
    firsts = [replace(one, workers=workers).fitted(task, NasBench201(channels=4, cells=1)).first for workers in (1, 2)]
    assert len(firsts[0]) == 2 and firsts[0] == firsts[1]


def test_the_plan_keeps_what_it_chose():
    space = NasBench201()
    first = (str(space.at(5)), str(space.at(9)))
    plan = Plan.from_json(json.loads(json.dumps(Plan("digits", warm_start="synflow", first=first).to_json())))
    strategy = plan.make_strategy(space)
    assert isinstance(strategy, WarmStart) and tuple(map(str, strategy.first)) == first
