"""An interruption between two parts of a command, when nobody holds the run, still says how to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.cli.driving import Driver
from netwright.cli.main import run


@pytest.mark.parametrize("begun", [True, False])
def test_the_line_that_resumes_is_printed_whenever_a_run_was_begun(
    begun: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Driver.driven

    def interrupted(self: Driver, *arguments: object) -> None:
        if begun:
            whole(self, *arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "driven", interrupted)
    words = ("search", "digits", "--space", "chain:width=4,stages=1,most=1", "--epochs", "1", "--strategy", "random")
    rest = ("--trials", "1", "--examples", "200", "--name", "r", "--dir", str(tmp_path / "p"))
    assert run([*words, *rest]) == 130
    said = capsys.readouterr()
    assert said.err.endswith("interrupted; go on with: netwright resume r --dir " + str(tmp_path / "p") + "\n") is begun
