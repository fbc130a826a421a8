"""`--skip-bad` alone, with a share and with a number."""

import numpy as np
import pytest
from PIL import Image

from netwright.cli.main import _with_bare_options, run


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["--skip-bad"], ["--skip-bad", "1%"]),
        (["--skip-bad", "--seed", "3"], ["--skip-bad", "1%", "--seed", "3"]),
        (["--skip-bad", "photos"], ["--skip-bad", "1%", "photos"]),
        (["--skip-bad", "3%", "photos"], ["--skip-bad", "3%", "photos"]),
        (["--skip-bad", "2.5%"], ["--skip-bad", "2.5%"]),
        (["--skip-bad", "5"], ["--skip-bad", "5"]),
        (["--skip-bad=3%"], ["--skip-bad=3%"]),
    ],
)
def test_what_the_option_may_stand_with(given, taken):
    assert _with_bare_options(["search", *given]) == ["search", *taken]


def test_a_search_leaves_out_as_many_as_it_was_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.random.default_rng(i + 10 * (name == "b")).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.png")
    for i in range(2):
        (tmp_path / "data" / "a" / f"bad{i}.png").write_bytes(b"")
    search = ["search", "data", "--space", "chain:width=4,stages=1", "--trials", "1", "--epochs", "1"]
    search += ["--final-epochs", "0", "--no-baselines"]
    assert run([*search, "--skip-bad"]) == 5
    said = capsys.readouterr().err
    assert "2 of 22 images cannot be used, and at most 1 may be skipped" in said and "--skip-bad 9.1%" in said
    assert run([*search, "--skip-bad", "9.1%"]) == 0
    assert "2 of 22 images cannot be used and were skipped" in capsys.readouterr().out
