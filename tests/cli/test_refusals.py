"""What is refused before any data is read: the data that is named here does not exist."""

from __future__ import annotations

import json

import pytest

from netwright.cli.main import run


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
    ],
)
def test_what_needs_no_data_is_refused_before_it_is_read(tmp_path, capsys, words, message) -> None:
    (tmp_path / "file").write_text("")
    words = [str(tmp_path / "file") if each == "FILE" else each for each in words]
    assert run(["search", "no-such-data.npz", *words]) == 2
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
