"""Every field that `--json` prints is described in docs/reference/json.md, as the kind that it is; and nothing else."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.cli.plan import Plan
from netwright.spaces.nasbench201 import OPERATIONS
from reference_pages.json_fields import COMMANDS
from reference_pages.json_page import described, is_of, leaves, unseen

CELL = "nasbench201:cells=1,channels=4"
SMALL = ("--epochs", "1", "--final-epochs", "1", "--examples", "200", "--space", CELL)


def printed(*words: object) -> Any:
    """What a command prints on standard output, which is one JSON value and nothing else."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == 0, (words, done.output)
    return json.loads(done.stdout)


def table(path: Path) -> Path:
    """Scores of all cells of NAS-Bench-201, made up."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "valid", "test"])
        for number, cell in enumerate(product(OPERATIONS, repeat=6)):
            names = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*cell)
            writer.writerow([names, sum(map(OPERATIONS.index, cell)), number % 97])
    return path


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Any]]:
    """What each command prints in small runs: several objectives, a recipe, repetitions, an export."""
    place = tmp_path_factory.mktemp("json")
    there = ("--dir", place / "runs")
    front = ("--objective", "val_accuracy", "--objective", "params", "--limit", "params <= 10M")
    first = ("search", "digits", *SMALL, *there, "--trials", 3, "--final-seeds", 2, "--name", "a", *front)
    cells = ("search", "digits", *SMALL, *there, "--no-baselines", "--final-seeds", 1)
    recipe = (*cells, "--recipe", "darts", "--name", "b")
    again = (*cells, "--trials", 1, "--repeats", 2, "--name", "c")
    given = ("darts_v2", "--data", "digits", "--examples", 200, "--cells", 2, "--channels", 2, "--epochs", 1)
    scores = ("--table", table(place / "t.csv"), "--metric", "valid", "--report", "test")
    budget = ("--strategies", "random,local", "--evaluations", 20, "--repeats", 4, "--folder", place / "compared")
    fronts = (*scores[:2], "--objective", "valid", "--objective", "test:minimize", *budget[:-1], place / "fronts")
    methods = ("--methods", "local", "--evaluations", 1, "--epochs", 1, "--repeats", 1, "--examples", 200)
    methods = (*methods, "--space", CELL, "--device", "cpu")
    small = ("--shape", "1,8,8", "--networks", 4)
    return {
        "search": [printed(*first, "--export", place / "out"), printed(*recipe), printed(*again)],
        "train": [printed("train", *given, *there, "--baselines", "--name", "d", "--export", place / "trained")],
        "runs": [printed("runs", *there)],
        "show": [printed("show", each, *there) for each in "abcd"],
        "show --front": [printed("show", "a", *there, "--front")],
        "show --trial": [printed("show", "a", *there, "--trial", 0)],
        "export": [
            printed("export", "a", *there, "--to", place / "other"),
            printed("export", "a", *there, "--to", place / "devices", "--format", "onnx,int8"),
        ],
        "final": [printed("final", "a", *there, "--epochs", 1)],
        "final --front": [printed("final", "a", *there, "--front", 2, "--seeds", 1, "--epochs", 1)],
        "export --front": [printed("export", "a", *there, "--front", "--to", place / "front")],
        "resume": [printed("resume", "a", *there, "--trials", 4)],
        "audit": [printed("audit", "b", *there, "--networks", 3, "--epochs", 1)],
        "proxies": [printed("proxies", "digits", "--examples", 200, "--networks", 3)],
        "compare": [
            printed("compare", "--space", "nasbench201", *each, "--no-plots", "--processes", 1)
            for each in ((*scores, *budget), fronts)
        ],
        "compare --methods": [printed("compare", "--data", "digits", *methods, "--folder", place / "methods")],
        "papers": [printed("papers")],
        "draw": [printed("draw", "darts_v2", "--to", place / "drawn.svg")],
        "profile": [printed("profile", "chain:width=4", *small, "--to", place / "board.zip")],
        "doctor": [printed("doctor", *there)],
        "clean": [printed("clean", *there)],
        "db check": [printed("db", "check", *there)],
        "db backup": [printed("db", "backup", *there)],
        "db recover": [printed("db", "recover", *there, "--to", place / "recovered")],
    }


def found(command: str, values: Mapping[str, list[Any]]) -> Iterator[tuple[tuple[str, ...], str | None, Any]]:
    """Each value with its path and the field that describes it."""
    for each in values[command]:
        for path, value in leaves(each):
            yield path, described(path, COMMANDS[command]), value


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first of them runs all commands
@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_prints_is_described_as_it_is(command: str, values: Mapping[str, list[Any]]) -> None:
    seen = set()
    for path, field, value in found(command, values):
        assert field is not None, f"{'.'.join(path)} is not described"
        seen.add(field)
        kind = COMMANDS[command][field][0]
        assert (value is None and path[-1] == "[]") or is_of(kind, value), f"{'.'.join(path)} is {value!r}, no {kind}"
    assert not unseen(seen, COMMANDS[command]), "described, but printed by no run"


def test_every_field_of_a_plan_is_described() -> None:
    there = [path for path, _ in leaves({"plan": json.loads(json.dumps(Plan("digits").to_json()))})]
    assert len(there) > 40
    assert [".".join(path) for path in there if described(path, COMMANDS["show"]) is None] == []


def test_every_command_with_json_is_described() -> None:
    from reference_pages.commands import commands, flags

    with_json = {name for name, command in commands() if "--json" in flags(command)}
    assert with_json == set(COMMANDS) - {
        "compare --methods",
        *(f"{name} --front" for name in ("show", "final", "export")),
        "show --trial",
    }


def test_a_field_that_is_missing_or_of_another_kind_is_found() -> None:
    fields = {"a[].b": ("share", "one"), "c.*": ("text?", "two"), "d.**": ("any", "three"), "e": ("time", "four")}
    assert described(("a", "[]", "b"), fields) == "a[].b" and described(("a", "[]"), fields) == "a[].b"
    assert described(("c", "x y"), fields) == "c.*" and described(("c", "x", "y"), fields) is None
    assert described(("d", "x", "[]", "y"), fields) == "d.**" and described(("f",), fields) is None
    assert is_of("share", 1.0) and not is_of("share", 1.5) and not is_of("count", 1.5) and not is_of("count", True)
    assert is_of("text?", None) and not is_of("text", None) and not is_of("time", "2026-01-01T00:00:00")
    assert unseen({"a[].b", "c.*"}, fields) == ["d.**", "e"]
