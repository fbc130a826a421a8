"""What is refused before any data is read: the data that is named here does not exist."""

from __future__ import annotations

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
