"""What is refused before any data is read: the data that is named here does not exist."""

from __future__ import annotations

import json

import pytest

from netwright.cli.main import run
from netwright.store import Store

OWN = """
import netwright as nw

def make(space, size=3):
    return nw.strategies.RandomSearch(space)

class Own(nw.DecisionSpace):
    width: int = 4
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-params", "-5"], "--max-params -5: expected an amount above 0"),
        (["--max-params", "0"], "--max-params 0: expected an amount above 0"),
        (["--max-memory", "4XB"], "--max-memory 4XB: expected an amount above 0, such as"),
        (["--limit", "params < 5"], "expected <="),
        (["--limit", "params"], "limit 'params' was not understood"),
        (["--seed", "-1"], "--seed -1: expected a whole number of at least 0"),
        (["--dir", "FILE"], "this is a file; expected a directory"),
        (["--space", "chian"], "there is no space 'chian'; did you mean 'chain'?"),
        (["--space", "nowhere.py:Mine"], "there is no file nowhere.py"),
        (["--space", "chain:wdith=4"], "no option 'wdith'; did you mean 'width'?"),
        (["--strategy", "evolutoin"], "did you mean 'evolution'?"),
        (["--strategy", "evolution:populaton=4"], "did you mean 'population'?"),
        (["--recipe", "dart"], "there is no recipe 'dart'"),
        (["--objective", "params:smal"], "has direction 'smal'"),
        (["--training", "learning_rat=1"], "--training has no option 'learning_rat'; did you mean 'learning_rate'?"),
        (["--recipe", "single-path-one-shot:populaton=4"], "'single-path-one-shot' has no option 'populaton'; did you"),
        (["--recipe", "darts:learning_rat=1"], "did you mean 'learning_rate'?"),
        (["--recipe", "darts", "--training", "batchsize=8"], "did you mean 'batch_size'?"),
        (["--strategy", "gp:kernl=x"], "gp has no option 'kernl'"),
        (["--strategy", "OWN:make", "--space", "mlp"], "there is no file"),
        (["--strategy", "FUNCTION:make:sise=3"], "make has no option 'sise'; did you mean 'size'?"),
        (["--space", "FUNCTION:Own:wdith=3"], "did you mean 'width'?"),
        (["--space", "FUNCTION:Owm"], "did you mean 'Own'?"),
        (["--dir", "/proc/nowhere/runs"], "--dir /proc/nowhere/runs: nothing can be written in /proc"),
        (["--export", "/proc/nowhere/best"], "--export /proc/nowhere/best: nothing can be written in /proc"),
        (["--name", "two words"], "cannot be the name of a run"),
        (["--device", "cuda:77"], "device 'cuda:77' is not there"),
        (["--warm-start", "synflwo"], "--warm-start has no proxy 'synflwo'; did you mean 'synflow'?"),
        (["--objective", "val_acuracy"], "nothing measures 'val_acuracy'; did you mean 'val_accuracy'?"),
        (["--limit", "parms <= 5k"], "nothing measures 'parms'; did you mean 'params'?"),
        (["--recipe", "single-path-one-shot", "--objective", "synflow"], "nothing measures 'synflow'"),
        (["--gpus-per-trial", "-1"], "--gpus-per-trial -1: expected a number of at least 0"),
    ],
)
def test_what_needs_no_data_is_refused_before_it_is_read(tmp_path, capsys, words, message) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "own.py").write_text(OWN)
    places = {"FILE": tmp_path / "file", "FUNCTION": tmp_path / "own.py", "OWN": tmp_path / "none.py"}
    for name, path in places.items():
        words = [str(path) + each.removeprefix(name) if each.startswith(name) else each for each in words]
    assert run(["search", "no-such-data.npz", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["search", "digits", "--trials", "1.5"],
            "--trials 1.5: expected a whole number\n  see netwright search --help",
        ),
        (
            ["search", "digits", "--trials=many"],
            "--trials many: expected a whole number\n  see netwright search --help",
        ),
        (["search", "digits", "--target", "9x"], "--target 9x: expected a number\n"),
        (["search"], "Missing argument 'data'.\n  see netwright search --help"),
        (["db", "chek"], "Did you mean 'check'?\n  see netwright db --help"),
        (["sreach"], "Did you mean 'search'?\n  see netwright --help"),
    ],
)
def test_what_was_typed_wrongly_is_named_with_the_command_whose_options_help(capsys, words, message) -> None:
    assert run(words) == 2
    assert message in capsys.readouterr().err


def test_a_name_that_is_taken_and_an_executor_that_is_not_installed_are_refused_first(
    tmp_path, capsys, monkeypatch
) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", "space", {"arguments": {}}, "0")
    assert run(["search", "no-such-data.npz", "--name", "r", "--dir", str(tmp_path / "p")]) == 2
    assert "--name r: there is a run of that name" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for words in (["search", "no-such-data.npz"], ["proxies", "no-such-data.npz"]):
        assert run([*words, "--executor", "ray"]) == 2
        assert "ray is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--proxies", "synflwo"], "there is no proxy 'synflwo'; did you mean 'synflow'?"),
        (["--csv", "nowhere/scores.csv"], "--csv nowhere/scores.csv: there is no folder"),
        (["--device", "cuda:77"], "device 'cuda:77' is not there"),
    ],
)
def test_proxies_refuses_before_the_data_is_read(tmp_path, capsys, monkeypatch, words, message) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["proxies", "no-such-data.npz", *words]) == 2
    assert message in capsys.readouterr().err


def test_show_leads_with_the_front_of_two_objectives(tmp_path, capsys) -> None:
    words = ["search", "digits", "--examples", "200", "--space", "mlp", "--strategy", "random", "--trials", "5"]
    words += ["--epochs", "1", "--final-epochs", "0", "--objective", "val_accuracy", "--objective", "params"]
    assert run([*words, "--dir", str(tmp_path / "p"), "--name", "r", "--quiet"]) == 0
    capsys.readouterr()
    assert run(["show", "r", "--dir", str(tmp_path / "p"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert next(iter(found)) == "front" and found["front"]
    scores = {each["number"]: each["scores"] for each in found["trials"]}
    for number, own in scores.items():
        beaten = any(all(a >= b for a, b in zip(other, own, strict=True)) and other != own for other in scores.values())
        assert (number in found["front"]) == (not beaten)
    assert run(["show", "r", "--dir", str(tmp_path / "p")]) == 0
    text = capsys.readouterr().out
    assert f"front      {len(found['front'])} of 5" in text
