"""A one-shot method in a file of its own, as docs/adding/method.md has it, from the command line and in Python."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.catalogue.loading import load
from netwright.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "adding" / "method.md"
SMALL = ("--space", "nasbench201:channels=4,cells=1", "--examples", "120", "--device", "cpu", "--final-epochs", "0")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    first, second = (next(each for each in blocks if f"class {name}" in each) for name in ("NoisySteps", "Rewarded"))
    assert len(first.splitlines()) <= 30
    (tmp_path / "noisy.py").write_text(first)
    head = (
        "import numpy as np\n\nimport netwright as nw\nfrom netwright.strategies.rounds import Script, probe, train\n"
    )
    rewarded = head + second.partition("\n\nnw.testing")[0]
    assert len(rewarded.splitlines()) <= 40
    (tmp_path / "rewarded.py").write_text(rewarded)
    monkeypatch.chdir(tmp_path)


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.mark.parametrize(
    "method", ["noisy.py:NoisySteps:temperature=0.5", "rewarded.py:Rewarded:rate=0.2,learning_rate=0.1"]
)
def test_it_runs_from_the_command_line(method: str) -> None:
    command("search", "digits", "--method", method, "--epochs", "2", "--no-random-search", "--name", "r", *SMALL)
    shown = json.loads(command("show", "r", "--json"))
    assert [each["purpose"] for each in shown["trials"]] == ["train", "train", "evaluate"]
    strategy = shown["configuration"]["arguments"]["strategy"]["arguments"]
    assert strategy.get("temperature", 0.5) == 0.5 and strategy.get("rate", 0.2) == 0.2


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(Exception, match=r"temprature.*did you mean 'temperature'"):
        command("search", "digits", "--method", "noisy.py:NoisySteps:temprature=1", *SMALL)


def test_a_class_of_rounds_is_a_whole_search() -> None:
    import netwright as nw

    task = nw.tasks.open_task("digits", limit=60)
    made = load("search", "noisy.py:NoisySteps")(
        nw.spaces.NasBench201(channels=4, cells=1), task, temperature=2.0, epochs=3, batch_size=8, device="cpu"
    )
    assert made.strategy.temperature == 2.0
    assert (made.estimator.settings.epochs, made.estimator.settings.batch_size) == (3, 8)
