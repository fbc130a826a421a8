"""What stores, files and names hold is shown as text: nothing of it steers the terminal or looks like another line."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from netwright.cli.completing import runs
from netwright.cli.export import _Spinner
from netwright.cli.main import run
from netwright.cli.output import say, say_json
from netwright.cli.progress import Display
from netwright.core.display import Lines, Terminal
from netwright.core.objective import Objective
from netwright.core.wording import printable, table
from netwright.store import Store

EVIL = "x\x1b]0;title\x07\x1b[2J\x9b31m\rhidden\nbest: trial 9\u202etxt\u2028\x7f[red]y[/nothing]"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> bool:
    return not STEERING.search(text) and "\nbest: trial 9" not in text


def test_control_characters_are_shown_as_their_codes() -> None:
    assert printable("a\x1b[31mb\rc\nd\x9be\x7f") == r"a\x1b[31mb\rc\nd\x9be\x7f"
    assert printable("\u202efdp.exe \udcff") == r"\u202efdp.exe \udcff"
    kept = "Käse 漢字 a\u00a0b\u3000c \u200d👩‍👩‍👧 é\ttab"
    assert printable(kept) == kept
    assert table(["a\x1b", "b"], [["one\ntwo", "3"]]) == [r"a\x1b     b", r"one\ntwo  3"]


def test_each_way_to_the_terminal_shows_text(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    say(EVIL, stream=sys.stderr)
    say_json({EVIL: EVIL})
    told = capsys.readouterr()
    assert plain(told.out) and plain(told.err)
    stream = io.StringIO()
    Lines(stream).end([EVIL])
    assert plain(stream.getvalue())
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal._columns = lambda: 500  # pyright: ignore[reportAttributeAccessIssue]
    terminal.show(EVIL)
    terminal.end([EVIL])
    assert plain(stream.getvalue().replace("\r", "", 1))


def test_the_live_table_shows_text() -> None:
    from rich.console import Console

    display = Display([Objective.parse("val_accuracy")], 3, None, quiet=False)
    display.last_failure = f"trial 0 error: {EVIL}"
    console = Console(file=io.StringIO(), width=300, color_system=None)
    console.print(display._table())
    told = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert plain(told) and "[red]y[/nothing]" in told
    status = console.status("")
    with _Spinner(status) as update:
        update(EVIL)
        console.print(status.renderable)
    assert plain(console.file.getvalue())  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("words", [["runs"], ["show"], ["runs", "--json"], ["show", "--json"], ["db", "check"]])
def test_a_store_of_somebody_else_is_shown_as_text(tmp_path: Path, capsys, words: list[str]) -> None:
    with Store(tmp_path) as store:
        store.create_run(EVIL, EVIL, {"arguments": {"objective": ["val_accuracy"]}}, "0.1.0")
        store.keep(EVIL, "notes", {"data": EVIL, "strategy": EVIL})
        store.keep(EVIL, "report", {"lines": [EVIL]})
        store.set_state(EVIL, "interrupted", EVIL, 1.0)
    assert run([*words, "--dir", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert plain(told.out) and plain(told.err)

    assert runs(SimpleNamespace(params={"directory": tmp_path}), "") == []  # pyright: ignore[reportArgumentType]


def test_errors_and_tracebacks_are_shown_as_text(tmp_path: Path, capsys) -> None:
    assert run(["--debug", "show", EVIL, "--dir", str(tmp_path)]) == 2
    assert run(["search", str(tmp_path / "no\x1b[31mwhere"), "--space", "mlp"]) == 2
    told = capsys.readouterr().err
    assert plain(told) and r"\x1b" in told


def test_names_of_files_and_classes_are_shown_as_text(tmp_path: Path, capsys) -> None:
    for name in ("a\x1b[31m", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for k in range(4):
            Image.fromarray(np.full((8, 8, 3), 40 * k, np.uint8)).save(tmp_path / "data" / name / f"{k}\x1b[2J.png")
    (tmp_path / "data" / "b" / "bad\x1b[2J.png").write_text("no image")
    words = ["--space", "mlp", "--trials", "1", "--epochs", "1", "--final-epochs", "0", "--dir", str(tmp_path / "runs")]
    assert run(["search", str(tmp_path / "data"), *words, "--skip-bad", "2"]) == 0
    told = capsys.readouterr()
    assert plain(told.out) and plain(told.err) and r"\x1b" in told.out
