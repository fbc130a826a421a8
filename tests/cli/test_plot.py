"""`netwright plot` writes each form, lists what there is, and says in one line what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.spaces import NasBench201
from netwright.store import Asked, Store, Told

OWN = '''
def mine(data):
    """How many?"""
    rows = [{"trials": len(data)}]
    return {"mark": "bar", "data": {"values": rows}, "encoding": {"x": {"field": "trials", "type": "quantitative"}}}
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three trials."""
    folder, space = tmp_path_factory.mktemp("project"), NasBench201()
    arguments = {"objective": ["val_accuracy:maximize", "params:minimize"], "constraints": []}
    with Store(folder) as store:
        store.create_run("digits", space.id, {"arguments": arguments}, "0.1.0")
        writer = store.writer("digits", lambda: 1.0)
        for number, (accuracy, params) in enumerate(((0.5, 100.0), (0.7, 300.0), (0.6, 400.0))):
            proposal = Proposal(Architecture(space, (number,) * 6))
            found = Measurement({"val_accuracy": accuracy, "params": params})
            trial = Trial(number, proposal, "completed", found, (accuracy, -params), 1.0, "cpu")
            writer.add(Told(Asked(number, number, 1, proposal, 1e9), number, trial, "", 1e9 + 1))
        writer.wait()
        writer.close()
        store.set_state("digits", "finished", "done", 3.0)
    return folder


def said(project: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["plot", *words, "--dir", str(project)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


BEGINNINGS = {
    "svg": b"<svg",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "csv": b"trial,params,val_accuracy,kind",
    "json": b'{"name": "front"',
    "vl.json": b'{"',
    "html": b"<!doctype html>",
}


@pytest.mark.parametrize("form", BEGINNINGS)
def test_each_form_is_written(project: Path, tmp_path: Path, form: str) -> None:
    to = tmp_path / f"front.{form}"
    assert "2 of them are beaten by no other" in said(project, "digits", "front", "--to", str(to))
    assert to.read_bytes().startswith(BEGINNINGS[form])
    if form == "json":
        rows = json.loads(to.read_text())["rows"]
        assert {row[0]: row[3] for row in rows} == {0: "front", 1: "front", 2: "behind it"}


def test_without_a_file_the_table_is_printed(project: Path) -> None:
    text = said(project, "digits", "front")
    assert "Which one do I take?" in text and "behind it" in text and "--to front.svg" in text


def test_charts_are_listed_with_what_is_missing(project: Path) -> None:
    text = said(project, "digits")
    assert "Is the search paying?" in text and "finalists: nothing was trained finally yet" in text
    assert said(project, "--list") == text


def test_a_chart_alone_is_of_the_latest_run(project: Path) -> None:
    assert "Front of two objectives" in said(project, "front")


def test_settings_and_themes(project: Path, tmp_path: Path) -> None:
    to = tmp_path / "front.svg"
    said(project, "digits", "front", "--set", "x=val_accuracy", "--set", "y=params", "--theme", "dark", "--to", str(to))
    assert "#14181d" in to.read_text()


def test_a_function_of_ones_own(project: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    assert "How many?" in said(project, "digits", f"{tmp_path / 'mine.py'}:mine")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits", "frnt"], "did you mean 'front'"),
        (["digits", "front", "--to", "a.gif"], r"ends in '.gif'.*svg"),
        (["digits", "front", "--set", "x"], "no value; expected name=value"),
        (["digits", "front", "--set", "q=1"], "no setting 'q'"),
        (["digits", "front", "--theme", "drk"], "did you mean 'dark'"),
        (["digit", "front"], "did you mean 'digits'"),
    ],
)
def test_mistakes_are_one_line(project: Path, words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        said(project, *words)
