"""A kind of problem that a stranger wrote in one file goes the whole way: docs/adding/task.md is that file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from netwright.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "adding" / "task.md"


def netwright(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_counts_are_searched_compared_shown_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)[0].partition("\n\nrun = ")[0]
    Path("counts.py").write_text(code)
    netwright(*("search", "counts.py:make", "--trials", 2, "--epochs", 1, "--final-epochs", 2, "--final-seeds", 2))
    shown = netwright("show")
    assert "val_deviance" in shown and "test deviance" in shown and "always the mean rate" in shown
    assert (
        "test mean error" in shown
        and "bicycles" in shown
        and "%" not in shown.partition("test deviance")[2].partition("95 %")[0]
    )
    report = json.loads(netwright("show", "--json"))["report"]["figures"]
    assert [each["name"] for each in report["metrics"]] == ["deviance", "mean_error"] and "accuracies" not in report[
        "winner"
    ]
    best = {each["scores"][0]: each for each in json.loads(netwright("show", "--json"))["trials"]}
    assert max(best) == -min(each["metrics"]["val_deviance"] for each in best.values())  # small is good
    netwright("export", "--to", "best")
    np.save("hours.npy", np.zeros((2, 4), "f4"))
    namespace: dict = {"__name__": "model", "__file__": str(tmp_path / "best" / "model.py")}
    exec(compile((tmp_path / "best" / "model.py").read_text(), "model.py", "exec"), namespace)
    assert namespace["main"](["hours.npy", "--json"]) == 0
    assert len(namespace["predict"](namespace["load"](), np.zeros((3, 4), "f4"))) == 3
